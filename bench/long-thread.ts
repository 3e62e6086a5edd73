/** One thread of many turns, with the size of its history after each of them, over all of its runs. */
import type { Service } from '../src/client/service.ts';
import { type BenchThread, driveThread } from './bobbin-thread.ts';
import type { Span } from './clock.ts';
import type { TestEnvironment } from './environment.ts';

export interface TurnRecord {
  span: Span;
  /** Run that the turn ended in. */
  runId: string;
  /** Of that run so far. */
  events: number;
  bytes: number;
}

export interface LongThread {
  thread: BenchThread;
  /** The first turn of the thread comes first. */
  turns: TurnRecord[];
  /** Final sizes of the runs that have ended. */
  endedRuns: Map<string, { events: number; bytes: number }>;
}

const ANSWER_BYTES = 1_600;
export const LONG_TEXT = `answer: ${ANSWER_BYTES}`;

/** @param goOn asked after each turn, with what is known so far. */
export async function growThread(
  environment: TestEnvironment,
  { service, threads }: { service: Service; threads: { start: Starter } },
  goOn: (long: LongThread) => boolean,
): Promise<LongThread> {
  const thread = driveThread(await threads.start({ workspace: { cwd: environment.repository } }));
  const long: LongThread = { thread, turns: [], endedRuns: new Map() };
  while (goOn(long)) {
    const span = await thread.turn(LONG_TEXT);
    const now = await sizeOf(service, thread.handle.workflowId);
    const previous = long.turns.at(-1);
    if (previous !== undefined && previous.runId !== now.runId) {
      const { events, bytes } = await sizeOf(service, thread.handle.workflowId, previous.runId);
      long.endedRuns.set(previous.runId, { events, bytes });
    }
    long.turns.push({ span, ...now });
    if (long.turns.length % 100 === 0) environment.progress(`long thread: ${long.turns.length} turns`);
  }
  return long;
}

type Starter = (start: { workspace: { cwd: string } }) => Promise<BenchThread['handle']>;

async function sizeOf(service: Service, workflowId: string, runId?: string) {
  const handle = service.client.workflow.getHandle(workflowId, runId);
  const { raw, runId: current } = await service.within(() => handle.describe());
  const { historyLength, historySizeBytes } = raw.workflowExecutionInfo ?? {};
  return { runId: current, events: Number(historyLength ?? 0), bytes: Number(historySizeBytes ?? 0) };
}
