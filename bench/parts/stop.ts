/** From the wish to stop to the terminal event, with every process of the step gone by then. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { createProcessTable, readStartTime } from '../../src/adapters/shell/processes/process-table.ts';
import { MAX_HEARTBEAT_MS } from '../../src/contract/plain/heartbeat.ts';
import { connectService } from '../../src/client/service.ts';
import { type BenchThread, driveThread, isEndOf, toTurn } from '../bobbin-thread.ts';
import { now } from '../clock.ts';
import { type Row, notMeasured, summarise, toRow } from '../figures.ts';
import type { Part } from '../part.ts';
import type { TestEnvironment } from '../environment.ts';

/** What stops a step of a worker: its heartbeats alone, the service's push, or the worker itself. */
type Way = 'heartbeats' | 'push' | 'local';

interface Case {
  step: 'command' | 'model';
  way: Way;
  thread: BenchThread;
  ms: number[];
  /** Stops after which a process of the step was still there. */
  outlived: number;
}

const ENVIRONMENTS: Record<Way, Record<string, string>> = {
  heartbeats: { BOBBIN_LOCAL_STOP: 'false' },
  // The beat is too slow to be what stops it.
  push: { BOBBIN_LOCAL_STOP: 'false', BOBBIN_HEARTBEAT_MS: String(MAX_HEARTBEAT_MS) },
  local: {},
};
const NAMES: Record<Way, string> = {
  heartbeats: 'heartbeats alone',
  push: 'pushed by the service',
  local: 'in the worker of the thread',
};
const PROMPTS = { command: 'run: sleep 600 & sleep 600', model: 'stream: 100000 20' };
/** One beat: a stop comes at any moment of it. */
const BEAT_MS = 200;

export const stop: Part = async (environment, { quick, signal }) => {
  const rounds = quick ? 5 : 100;
  const pushes = await offersPush(environment);
  // Where the service pushes, nothing shows what heartbeats alone would do.
  await using first = await environment.bobbin({ env: ENVIRONMENTS[pushes ? 'push' : 'heartbeats'] });
  await using second = await environment.bobbin({ env: ENVIRONMENTS.local });
  const start = async ({ bobbin }: typeof first) =>
    driveThread(
      await bobbin.threads.start({
        workspace: { cwd: environment.repository },
        approvalPolicy: 'never',
      }),
    );
  const cases: Case[] = [];
  for (const step of ['command', 'model'] as const) {
    cases.push({ step, way: pushes ? 'push' : 'heartbeats', thread: await start(first), ms: [], outlived: 0 });
    cases.push({ step, way: 'local', thread: await start(second), ms: [], outlived: 0 });
  }
  for (let round = 0; round < rounds; round++) {
    signal.throwIfAborted();
    for (const one of cases) await stopOnce(one, (BEAT_MS * round) / rounds);
    if ((round + 1) % 20 === 0) environment.progress(`stop: ${round + 1} of ${rounds} rounds`);
  }
  for (const { thread } of cases) await thread.close();
  return [...cases.map(toStopRow), ...whatIsMissing(pushes, environment.temporal.version.server)];
};

async function offersPush({ temporal }: TestEnvironment): Promise<boolean> {
  const { address, namespace } = temporal;
  const service = await connectService({ connection: { address }, namespace });
  try {
    const { namespaceInfo } = await service.connection.workflowService.describeNamespace({ namespace });
    const capabilities = namespaceInfo?.capabilities as { workerCommands?: boolean } | null | undefined;
    return capabilities?.workerCommands === true;
  } finally {
    await service.close();
  }
}

/** @param afterMs how long the step has been seen to run when the wish to stop comes. */
async function stopOnce(one: Case, afterMs: number): Promise<void> {
  const { step, thread } = one;
  const turn = toTurn(PROMPTS[step]);
  await thread.handle.submit(turn);
  const processes = step === 'command' ? await commandRuns(thread) : await modelSpeaks(thread);
  await sleep(afterMs);
  const seen = thread.next((event) => isEndOf(event, turn.turnId));
  const start = now();
  await thread.handle.requestInterrupt({ turnId: turn.turnId });
  const event = await seen;
  one.ms.push(now() - start);
  if (processes.some((pid) => readStartTime(pid) !== undefined)) one.outlived += 1;
  if (event.type !== 'turn/completed' || event.turn.status !== 'aborted') {
    throw new Error(`A turn that was to be stopped ended otherwise: ${JSON.stringify(event)}`);
  }
}

const processTable = createProcessTable();
const SLEEPERS = 2;
const LOOK_EVERY_MS = 10;

/** Resolves with every process of the command once both of its sleepers sleep. */
async function commandRuns(thread: BenchThread): Promise<number[]> {
  const event = await thread.next((one) => one.type === 'item/started' && one.item.type === 'commandExecution');
  for (;;) {
    const index = event.type === 'item/started' ? event.item.id.replace('item_', '') : '';
    const found = await processTable.find({ commandIds: new Set([`tool/${thread.handle.threadId}/${index}`]) });
    if (found.filter(isSleeper).length === SLEEPERS) return found;
    await sleep(LOOK_EVERY_MS);
  }
}

function isSleeper(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'sleep';
  } catch {
    return false;
  }
}

/** Resolves once text of the model has come. */
async function modelSpeaks(thread: BenchThread): Promise<number[]> {
  for (;;) {
    const steps = await thread.handle.progress();
    if (steps.some((step) => step.type === 'model' && step.chars > 0)) return [];
    await sleep(LOOK_EVERY_MS);
  }
}

const AIMS: Record<Way, { text: string; median: number; p99: number }> = {
  heartbeats: { text: 'median 100, p99 300 ms', median: 100, p99: 300 },
  push: { text: 'median 40 ms', median: 40, p99: Infinity },
  local: { text: 'median 40 ms', median: 40, p99: Infinity },
};

function toStopRow({ step, way, ms, outlived }: Case): Row {
  const figures = summarise(ms);
  const { text, median, p99 } = AIMS[way];
  const isMet = figures.median <= median && (figures.p99 ?? figures.max) <= p99 && outlived === 0;
  return toRow(`stop a ${step}, ${NAMES[way]}`, 'ms', figures, {
    aim: { text, met: isMet },
    ...(outlived === 0 ? {} : { note: `in ${outlived} of ${ms.length} a process outlived the terminal event` }),
  });
}

function whatIsMissing(pushes: boolean, server: string): Row[] {
  return pushes
    ? [notMeasured(`stop, ${NAMES.heartbeats}`, 'ms', `server ${server} pushes cancellations`)]
    : [notMeasured(`stop, ${NAMES.push}`, 'ms', `server ${server} does not offer it`)];
}
