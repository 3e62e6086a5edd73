/** What a recording is made of: a way to drive a stand, and the workflows that are worth keeping afterwards. */
import type { ThreadHandle } from '../../src/client/index.ts';
import { type TestEnvironment, type EnvironmentOptions, waitForEvent, turn } from '../environment.ts';

export interface Scenario extends Pick<EnvironmentOptions, 'env' | 'worker'> {
  /** Settings of a separate Temporal service. */
  service?: string[];
  /** Folders of the workers' data that are kept as files. */
  keeps?: string[];
  /** Answers the ids of the workflows to keep, by the names of their files. */
  drive(environment: TestEnvironment): Promise<Record<string, string>>;
}

export type Scenarios = Record<string, Scenario>;

export function signal(
  environment: TestEnvironment,
  workflowId: string,
  name: string,
  payload: unknown,
): Promise<void> {
  return environment.bobbin.service.client.workflow.getHandle(workflowId).signal(name, payload);
}

/** Submits a turn and waits until its command runs. */
export async function submitCommand(thread: ThreadHandle, text: string): Promise<string> {
  const submitted = turn(text);
  await thread.submit(submitted);
  await waitForEvent(
    thread,
    'item/started',
    ({ item }) => item.type === 'commandExecution' && item.turnId === submitted.turnId,
  );
  return submitted.turnId;
}

/** Submits a turn whose model streams for minutes, and waits until it is asked. */
export async function submitStream(environment: TestEnvironment, thread: ThreadHandle): Promise<string> {
  const submitted = turn('stream: 2000 100');
  await thread.submit(submitted);
  await environment.model.waitForRequest(
    ({ body }) => JSON.stringify(body).includes(thread.threadId) && JSON.stringify(body).includes('stream: 2000'),
  );
  return submitted.turnId;
}
