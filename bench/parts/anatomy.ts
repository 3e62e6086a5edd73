/** Where the time of a turn goes: its phases one after the other, and the processor time of each process. */
import { readFileSync } from 'node:fs';
import { startBareThread } from '../bare/bare-thread.ts';
import { driveThread, toTurn } from '../bobbin-thread.ts';
import { type Span, lengthOf } from '../clock.ts';
import { type Row, notMeasured, summarise, toRow } from '../figures.ts';
import type { Part } from '../part.ts';
import type { OutgoingCall } from '../processes/probe.ts';
import type { ServedRequest } from '../processes/services.ts';
import { type TurnTimes, readTurnTimes } from '../turn-history.ts';

const TEXT = 'say: done';
/** The first turn registers the agent task and is another one than those that follow. */
const WARM_UP = 10;

export const anatomy: Part = async (environment, { quick, signal }) => {
  const counted = quick ? 20 : 120;
  await using worker = await environment.bobbin({ probed: true });
  await using bareWorker = await environment.bare();
  const thread = driveThread(await worker.bobbin.threads.start({ workspace: { cwd: environment.repository } }));
  const bare = await startBareThread(bareWorker.service);

  const pids = {
    temporal: environment.temporal.pid,
    bobbin: worker.child.pid,
    bare: bareWorker.child.pid,
    client: process.pid,
  };
  const run = async (turn: () => Promise<Span>, workerPid: number): Promise<Traced> => {
    const before = [pids.temporal, workerPid, pids.client].map(processorMs);
    const span = await turn();
    const after = [pids.temporal, workerPid, pids.client].map(processorMs);
    return { span, cpu: after.map((ms, index) => ms - (before[index] ?? 0)) };
  };
  const traced = { bobbin: [] as Traced[], bare: [] as Traced[] };
  for (let round = 0; round < WARM_UP + counted; round++) {
    signal.throwIfAborted();
    traced.bobbin.push(await run(() => thread.turn(TEXT), pids.bobbin));
    traced.bare.push(await run(() => bare.turn(toTurn(TEXT)), pids.bare));
  }
  const { calls } = await worker.child.ask<{ calls: OutgoingCall[] }>({ type: 'takeCalls' });
  const requests = await environment.takeRequests();
  const history = {
    bobbin: await readTurnTimes(worker.bobbin.service, thread.handle.workflowId),
    bare: await readTurnTimes(bareWorker.service, bare.workflowId),
  };
  await thread.close();
  await bare.close();
  return [
    ...phaseRows(join(traced.bobbin, history.bobbin), join(traced.bare, history.bare)),
    ...activityRows(join(traced.bobbin, history.bobbin), calls, requests),
    ...processorRows(traced.bobbin.slice(WARM_UP), traced.bare.slice(WARM_UP)),
  ];
};

interface Traced {
  span: Span;
  /** Processor milliseconds of the service, the worker and the client. */
  cpu: number[];
}

type Turn = Span & TurnTimes;

function join(traced: Traced[], history: TurnTimes[]): Turn[] {
  if (traced.length !== history.length) throw new Error(`${traced.length} turns ran, history has ${history.length}`);
  return traced.map(({ span }, index) => ({ ...span, ...history[index]! })).slice(WARM_UP);
}

const PHASES: [what: string, from: keyof Turn, to: keyof Turn][] = [
  ['signal: call to record', 'start', 'signaled'],
  ['signal recorded to workflow task started', 'signaled', 'firstTaskStarted'],
  ['first workflow task', 'firstTaskStarted', 'firstTaskCompleted'],
  ['to activity started', 'firstTaskCompleted', 'activityStarted'],
  ['activity', 'activityStarted', 'activityCompleted'],
  ['activity completed to workflow task started', 'activityCompleted', 'lastTaskStarted'],
  ['last workflow task', 'lastTaskStarted', 'lastTaskCompleted'],
  ['recorded to seen by the client', 'lastTaskCompleted', 'end'],
];

function phaseRows(bobbin: Turn[], bare: Turn[]): Row[] {
  return PHASES.map(([what, from, to], index) => {
    const ms = (turns: Turn[]) => summarise(turns.map((turn) => turn[to] - turn[from]));
    const reference = { what: 'bare workflow', figures: ms(bare) };
    return toRow(`phase ${index + 1}, ${what}`, 'ms', ms(bobbin), { reference });
  });
}

/** What happens inside of the activity of a model step. */
function activityRows(turns: Turn[], calls: OutgoingCall[], requests: ServedRequest[]): Row[] {
  const within = <T extends Span>(turn: Turn, spans: T[]) =>
    spans.find(({ start }) => turn.start <= start && start <= turn.end);
  const queries = calls.filter(({ name }) => name === 'QueryWorkflow');
  const posts = calls.filter(({ name }) => name.startsWith('POST '));
  const served = requests.filter(({ path }) => path.startsWith('/v1/responses'));
  const found = turns.flatMap((turn) => {
    const post = within(turn, posts);
    const model = within(turn, served);
    return post === undefined || model === undefined ? [] : [{ turn, post, model, query: within(turn, queries) }];
  });
  if (found.length === 0) return [notMeasured('activity, its calls', 'ms', 'the probe saw none of them')];
  const row = (what: string, ms: (one: (typeof found)[number]) => number) =>
    toRow(`activity, ${what}`, 'ms', summarise(found.map(ms)));
  const isAsked = found.every(({ query }) => query !== undefined);
  const asked = isAsked
    ? [
        row('recorded as started to context query', ({ turn, query }) => query!.start - turn.activityStarted),
        row('context query', ({ query }) => lengthOf(query!)),
        row('context there to model request: documents, assertion', ({ post, query }) => post.start - query!.end),
      ]
    : [row('recorded as started to model request', ({ turn, post }) => post.start - turn.activityStarted)];
  return [
    ...asked,
    row('model request and answer', ({ post }) => lengthOf(post)),
    row('of which the model server', ({ model }) => lengthOf(model)),
    row('answer read to completion recorded', ({ turn, post }) => turn.activityCompleted - post.end),
  ];
}

const PROCESSES = ['service', 'worker', 'client'];

/** A clock tick is 10 ms, more than a turn takes: only the mean over all turns means something. */
function processorRows(bobbin: Traced[], bare: Traced[]): Row[] {
  const mean = (traced: Traced[], index: number) =>
    summarise([traced.reduce((sum, { cpu }) => sum + (cpu[index] ?? 0), 0) / traced.length]);
  if (!Number.isFinite(bobbin[0]?.cpu[0])) return [notMeasured('processor time', 'ms', 'this platform has no /proc')];
  return PROCESSES.map((name, index) =>
    toRow(`processor time of a turn, ${name}`, 'ms', mean(bobbin, index), {
      reference: { what: 'bare workflow', figures: mean(bare, index) },
    }),
  );
}

const TICK_MS = 10;

/** Processor time that a process has used so far; NaN where it cannot be read. */
function processorMs(pid: number): number {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  } catch {
    return NaN;
  }
}
