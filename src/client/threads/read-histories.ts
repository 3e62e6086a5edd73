/**
 * Everything that threads were told, from the histories of their runs. A thread knows what is in the history of its
 * newest run, which begins with what the run before it left, and what it has archived.
 */
import { WORKFLOW_TYPE } from '../../contract/index.ts';
import { GRPC, grpcStatus } from '../grpc.ts';
import type { Service } from '../service.ts';

/** Threads that are read at the same time. */
const AT_ONCE = 4;
const RUNS_OF_A_PAGE = 1_000;
/** Of the API's `WorkflowExecutionStatus`. */
const CONTINUED_AS_NEW = 6;

/** Calls `note` with the text of every payload. Rejects when the signal fires. */
export async function readHistories(
  service: Service,
  note: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const left = await listRuns(service, signal);
  const work = async () => {
    for (let run = left.pop(); run !== undefined; run = left.pop()) await readHistory(service, run, note, signal);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

interface Run {
  workflowId: string;
  /** Empty for the newest one. */
  runId: string;
}

/**
 * The newest run of each thread, and all that have ended otherwise than by continuing as new: a thread may be resumed from
 * one of those. The newest is left to the service to find, since a list is late.
 */
async function listRuns(service: Service, signal: AbortSignal): Promise<Run[]> {
  const { namespace } = service;
  const query = `WorkflowType = "${WORKFLOW_TYPE}"`;
  const runs = new Map<string, Run>();
  const add = (run: Run) => runs.set(JSON.stringify([run.workflowId, run.runId]), run);
  for (let token: Uint8Array | undefined; ;) {
    signal.throwIfAborted();
    const page = await service.within(() =>
      service.connection.workflowService.listWorkflowExecutions({
        ...{ namespace, query, pageSize: RUNS_OF_A_PAGE },
        ...(token === undefined ? {} : { nextPageToken: token }),
      }),
    );
    for (const { execution, status, closeTime } of page.executions) {
      const { workflowId, runId } = execution ?? {};
      if (!workflowId || !runId) continue;
      add({ workflowId, runId: '' });
      if (closeTime && Number(status) !== CONTINUED_AS_NEW) add({ workflowId, runId });
    }
    token = page.nextPageToken;
    if (token.length === 0) return [...runs.values()];
  }
}

async function readHistory(
  service: Service,
  { workflowId, runId }: Run,
  note: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const { namespace } = service;
  const execution = { workflowId, ...(runId === '' ? {} : { runId }) };
  for (let token: Uint8Array | undefined; ;) {
    signal.throwIfAborted();
    try {
      const page = await service.within(() =>
        service.connection.workflowService.getWorkflowExecutionHistory({
          ...{ namespace, execution },
          ...(token === undefined ? {} : { nextPageToken: token }),
        }),
      );
      for (const event of page.history?.events ?? []) noteBytes(event, note);
      token = page.nextPageToken;
    } catch (error) {
      // Its retention has ended meanwhile.
      if (grpcStatus(error) === GRPC.NOT_FOUND) return;
      throw error;
    }
    if (token.length === 0) return;
  }
}

function noteBytes(value: unknown, note: (text: string) => void): void {
  if (value instanceof Uint8Array) note(toPlainText(Buffer.from(value).toString('utf8')));
  else if (typeof value === 'object' && value !== null) for (const part of Object.values(value)) noteBytes(part, note);
}

/** JSON may have any letter as an escape. */
function toPlainText(text: string): string {
  if (!text.includes('\\u')) return text;
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return text;
  }
}
