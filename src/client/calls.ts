import { again, isPassing } from './ask-again.ts';
import type { BobbinError } from './bobbin-error.ts';
import type { Service } from './service.ts';

/** Calls about one workflow, each with the deadline of the service. @param toError adds the action and the ids to an error */
export function callsOf(service: Service, toError: (error: unknown, action: string) => BobbinError) {
  const call = async <T>(action: string, body: () => Promise<T>, deadlineMs?: number): Promise<T> => {
    try {
      return await service.within(body, deadlineMs);
    } catch (error) {
      throw toError(error, action);
    }
  };
  return {
    call,
    /** A query that is repeated while its failure is temporary. */
    ask: <T>(action: string, body: () => Promise<T>): Promise<T> =>
      again(() => call(action, body), isPassing, { until: Date.now() + service.deadlineMs }),
  };
}
