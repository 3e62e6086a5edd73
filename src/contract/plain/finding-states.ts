/** The states of a finding in its ledger, in the order in which they are listed. */
export const FINDING_STATES = ['open', 'dismissed', 'fixed'] as const;
export type FindingState = (typeof FINDING_STATES)[number];
