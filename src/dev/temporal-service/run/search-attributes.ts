import { Connection } from '@temporalio/client';
import { listSearchAttributes, registerSearchAttributes } from '../../../client/search-attributes.ts';
import type { SearchAttributeService } from '../../../client/search-attributes.ts';
import { reasonOf } from './service-error.ts';
import type { Progress } from '../obtain/progress.ts';

const ANSWER_TIMEOUT_MS = 5_000;

/**
 * Registers the search attributes. A service that was found running may have those of another release. A failure is
 * only reported, because threads work without them.
 */
export async function prepareSearchAttributes(
  { address, namespace }: { address: string; namespace: string },
  onProgress?: Progress,
): Promise<void> {
  await withService(address, namespace, registerSearchAttributes).catch((error: unknown) => {
    onProgress?.(`The Temporal UI will not be able to filter threads: ${reasonOf(error)}`);
  });
}

/** Runs calls on a separate connection. */
async function withService<T>(
  address: string,
  namespace: string,
  body: (service: SearchAttributeService) => Promise<T>,
): Promise<T> {
  const connection = Connection.lazy({ address, connectTimeout: ANSWER_TIMEOUT_MS, interceptors: [] });
  try {
    return await body(serviceOver(connection, namespace));
  } finally {
    await connection.close();
  }
}

function serviceOver(connection: Connection, namespace: string): SearchAttributeService {
  const within: SearchAttributeService['within'] = (call, ms = ANSWER_TIMEOUT_MS) =>
    connection.withDeadline(Date.now() + ms, call);
  return { connection, namespace, within };
}

/** For `bobbin doctor`: a description of what is missing; null if nothing is. */
export async function missingSearchAttributes(connection: Connection, namespace: string): Promise<string | null> {
  const states = await listSearchAttributes(serviceOver(connection, namespace));
  const wrong = states.flatMap((state) => {
    if (state.status === 'registered') return [];
    return [state.status === 'otherType' ? `${state.name} (of type ${state.found}, not ${state.type})` : state.name];
  });
  return wrong.length === 0 ? null : wrong.join(', ');
}
