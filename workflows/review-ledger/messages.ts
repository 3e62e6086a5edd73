/** The messages of a ledger. Their names are part of the wire. */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type {
  AbandonRun,
  BeginRun,
  DismissFinding,
  LedgerView,
  ReopenFinding,
  RunBeginning,
  RunRecorded,
} from '../../src/contract/index.ts';
import type { RunRecord } from './guards.ts';

export const beginRunUpdate = defineUpdate<RunBeginning, [BeginRun]>('beginRun');
export const recordRunUpdate = defineUpdate<RunRecorded, [RunRecord]>('recordRun');
export const dismissFindingUpdate = defineUpdate<{ findingId: string }, [DismissFinding]>('dismissFinding');
export const reopenFindingUpdate = defineUpdate<{ findingId: string }, [ReopenFinding]>('reopenFinding');
export const abandonRunSignal = defineSignal<[AbandonRun]>('abandonRun');
export const dismissFindingSignal = defineSignal<[DismissFinding]>('dismissFinding');
export const reopenFindingSignal = defineSignal<[ReopenFinding]>('reopenFinding');
export const ledgerQuery = defineQuery<LedgerView>('ledger');
