/** Converts the ledger of an earlier release. Pure. */
import type { ObservedFinding } from '../../src/contract/index.ts';
import { UnknownStateVersion } from '../sandbox/carried-state.ts';
import { type KeptFinding, type LedgerState, STATE_VERSION, newLedger } from './state.ts';

/** Whether it is the carry-over of a ledger's run, of any release; anything else is a start argument. */
export function isCarriedState(argument: unknown): argument is { version: number } {
  if (typeof argument !== 'object' || argument === null) return false;
  const { version, findings, runs } = argument as { version?: unknown; findings?: unknown; runs?: unknown };
  return Number.isSafeInteger(version) && Array.isArray(findings) && Array.isArray(runs);
}

/** @throws UnknownStateVersion for one that a later release wrote. */
export function toCurrentState(carried: { version: number }): LedgerState {
  switch (carried.version) {
    case STATE_VERSION:
      return carried as LedgerState;
    case 0:
      return fromVersion0(carried as LedgerStateV0);
    default:
      throw new UnknownStateVersion('ledger', carried.version, STATE_VERSION);
  }
}

/** Places were those of the run that had last reported a finding, and both sides of a place had one hash. */
type FindingV0 = Omit<KeptFinding, 'head' | 'context'> & { contextHash: string | null };
type LedgerStateV0 = Omit<LedgerState, 'version' | 'findings' | 'runsSinceFull' | 'findingsForgotten'> & {
  version: 0;
  findings: FindingV0[];
};

const NO_CONTEXT: ObservedFinding['context'] = { before: null, after: null };

function fromVersion0(carried: LedgerStateV0): LedgerState {
  const lastFull = carried.runs.findLastIndex(({ full }) => full);
  return {
    ...newLedger(carried.targetId, carried.target),
    ...carried,
    version: STATE_VERSION,
    runsSinceFull: carried.runs.length - 1 - lastFull,
    findings: carried.findings.map(({ contextHash: _unused, ...finding }) => {
      return { ...finding, head: finding.lastSeen.head, context: NO_CONTEXT };
    }),
  };
}
