/**
 * What threads can be filtered by in the Temporal UI, with the type that each has there. An attribute that is not registered
 * must not be used: the service would refuse every workflow task that sets it. SQL visibility has room for ten of type
 * Keyword and three of each other type in a namespace.
 */
export const SEARCH_ATTRIBUTES = {
  /** Of a thread: idle, active, closing or closed. Of a batch or a ledger, the status that its view has. */
  BobbinStatus: 'Keyword',
  /** Kind of the active turn; none where no turn is active. */
  BobbinActiveKind: 'Keyword',
  /** What is worked on: a folder, or the URL of a repository. */
  BobbinRepository: 'Keyword',
  /** Account of the agent identity; none where none is used. */
  BobbinAccount: 'Keyword',
  /** A request is open that a person may answer, here or below. */
  BobbinWaitsForPerson: 'Bool',
  /** Threads above this one. */
  BobbinDepth: 'Int',
  /** Dollars, by this thread alone, by the prices of the workers; as of the last change of another attribute. */
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

/** How one attribute stands with a service. `found` is the type that another one of that name has. */
export type SearchAttributeState =
  | { name: SearchAttributeName; type: string; status: 'registered' | 'missing' }
  | { name: SearchAttributeName; type: string; status: 'otherType'; found: string };
