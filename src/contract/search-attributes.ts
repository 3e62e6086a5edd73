/**
 * The attributes by which the Temporal UI filters threads, with their types. An attribute that is not registered must
 * not be used: the service would refuse every workflow task that sets it. SQL visibility has room for ten of type
 * Keyword and three of each other type in a namespace.
 */
export const SEARCH_ATTRIBUTES = {
  /** For a thread: idle, active, waitingForHost, closing or closed. For a batch or a ledger, the status of its view. */
  BobbinStatus: 'Keyword',
  /** Kind of the active turn; unset if no turn is active. */
  BobbinActiveKind: 'Keyword',
  /** The workspace: a folder, or the URL of a repository. */
  BobbinRepository: 'Keyword',
  /** Account of the agent identity; unset if none is used. */
  BobbinAccount: 'Keyword',
  /** A request that a person may answer is open, here or below. */
  BobbinWaitsForPerson: 'Bool',
  /** Threads above this one. */
  BobbinDepth: 'Int',
  /** Dollars used by this thread alone, at the workers' prices; as of the last change of another attribute. */
  BobbinCostUsd: 'Double',
} as const satisfies Record<string, 'Keyword' | 'Bool' | 'Int' | 'Double'>;

export type SearchAttributeName = keyof typeof SEARCH_ATTRIBUTES;

interface ValueOf {
  Keyword: string;
  Bool: boolean;
  Int: number;
  Double: number;
}

/** A value for each attribute; null for none. */
export type SearchAttributeValues = {
  [N in SearchAttributeName]: ValueOf[(typeof SEARCH_ATTRIBUTES)[N]] | null;
};

/** The state of one attribute in a service. `found` is the type of another attribute of that name. */
export type SearchAttributeState =
  | { name: SearchAttributeName; type: string; status: 'registered' | 'missing' }
  | { name: SearchAttributeName; type: string; status: 'otherType'; found: string };
