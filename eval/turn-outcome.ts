import type { ThreadHandle } from '../src/client/index.ts';
import type { TurnCompletion } from '../src/contract/index.ts';
import type { Result } from './record.ts';

/** Failures that are the model's own; others are those of an endpoint, a key or a service. */
const OF_THE_MODEL = new Set(['contextWindowExceeded', 'modelAnswerMalformed', 'reviewUnreadable', 'reviewEmpty']);

/** Every other case would fail in the same way. */
const OF_EVERY_CASE = [
  'modelUnauthorized',
  'modelNotFound',
  'modelPriceUnknown',
  'usageLimitExceeded',
  'providerNotInstalled',
];

export function endsRun({ status, reason }: Pick<Result, 'status' | 'reason'>): boolean {
  return status === 'error' && OF_EVERY_CASE.some((code) => reason?.startsWith(`${code}: `));
}

/** The result of a turn that did not complete; null if it did. */
export function outcomeOf(end: TurnCompletion | undefined): Pick<Result, 'status' | 'reason'> | null {
  if (end === undefined) return { status: 'error', reason: 'there was no turn' };
  switch (end.status) {
    case 'completed':
      return null;
    case 'aborted':
      if (end.reason === 'budgetLimited') return { status: 'limit', reason: end.detail ?? 'a limit was reached' };
      return { status: 'error', reason: `the turn was aborted: ${end.reason}` };
    case 'failed': {
      const reason = `${end.error.code}: ${end.error.message}`;
      return { status: OF_THE_MODEL.has(end.error.code) ? 'failed' : 'error', reason };
    }
  }
}

/** Waits for the end of a turn. Rejects with the reason of the signal if it fires. */
export async function endOfTurn(thread: ThreadHandle, turnId: string, signal: AbortSignal): Promise<TurnCompletion> {
  try {
    return await thread.completion(turnId, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}
