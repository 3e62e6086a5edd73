/** The kill test: rounds of a long turn in which the worker, the Temporal service or both are killed, again and again. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BobbinError, type ThreadHandle } from '../../src/client/index.ts';
import type { Item, SubmitTurn, ThreadEvent } from '../../src/contract/index.ts';
import type { ModelServer } from '../../src/dev/model-server/server.ts';
import { type KillFixture, openFixture } from './fixture.ts';
import { findViolations } from './checks.ts';
import { type MarkedProcess, findMarked } from './marked-processes.ts';
import { type PlannedKill, type RoundPlan, planRounds } from './plan.ts';
import type { KillRecord, KillReport, RoundReport, TurnRecord } from './report.ts';
import { type Watch, watchThread } from './watch.ts';
import type { WorkerChild } from './worker-child.ts';

export interface KillTestOptions {
  rounds: number;
  seed: number;
  /** Kills in one round, at most. */
  mostKills: number;
  onProgress?: (line: string) => void;
}

/** Never rejects because of what a kill led to: that is in the report's `violations`. */
export async function runKillTest(options: KillTestOptions): Promise<KillReport> {
  const startedAt = new Date();
  const fixture = await openFixture();
  const rounds: RoundReport[] = [];
  try {
    for (const plan of planRounds(options)) {
      const round = await runRound(fixture, plan, options.seed);
      rounds.push(round);
      options.onProgress?.(describeRound(round));
    }
  } finally {
    await fixture.close();
  }
  return {
    seed: options.seed,
    startedAt: startedAt.toISOString(),
    durationMs: Date.now() - startedAt.getTime(),
    node: process.version,
    serverVersion: fixture.service.serverVersion,
    rounds,
  };
}

/** The place of a round: the thread under test and what may be killed. */
interface Scene {
  fixture: KillFixture;
  plan: RoundPlan;
  thread: ThreadHandle;
  watch: Watch;
  longTurnId: string;
  /** Those that are up. */
  workers: WorkerChild[];
  newWorker: () => Promise<WorkerChild>;
}

async function runRound(fixture: KillFixture, plan: RoundPlan, seed: number): Promise<RoundReport> {
  const beganAt = Date.now();
  const newWorker = () => fixture.worker({ BOBBIN_CONTINUE_AFTER_EVENTS: String(plan.continueAfterEvents) });
  const workers = [await newWorker()];
  const threadId = `kill-${seed}-${plan.round}`;
  const cwd = fixture.workspace(threadId);
  const thread = await fixture.bobbin.threads.start({ threadId, workspace: { cwd }, sandbox: plan.sandbox });
  const watch = watchThread(thread);
  const scene: Scene = { fixture, plan, thread, watch, longTurnId: 'long', workers, newWorker };
  const kills: KillRecord[] = [];
  const turns: TurnRecord[] = [];
  const violations: string[] = [];
  let before = (await thread.view()).agentTask;
  try {
    turns.push(await submit(thread, toLongTurn(scene.longTurnId, plan.commands)));
    await atStep(watch, plan, 1);
    before = (await thread.view()).agentTask;
    for (const [number, kill] of plan.kills.entries()) {
      const shortTurns = number === 0 ? toShortTurns(plan.shortTurns) : [];
      const [record, short] = await killOnce(scene, kill, shortTurns);
      kills.push(record);
      turns.push(...short);
    }
    for (const turn of turns) await completionOf(watch, turn);
  } catch (error) {
    violations.push(error instanceof Error ? error.message : String(error));
  }
  const left = await waitUntilGone(`tool/${threadId}/`);
  const evidence = await gather(thread, watch).catch((error: unknown) => {
    violations.push(`the thread could not be read: ${String(error)}`);
    return { seen: [...watch.events], recorded: [...watch.events], items: [], view: undefined };
  });
  const { seen, recorded, items, view } = evidence;
  const lines = readLines(join(cwd, 'log'));
  const after = view?.agentTask ?? before;
  const turnIds = turns.map(({ turnId }) => turnId);
  const { commands } = plan;
  const found = findViolations({
    ...{ seen, recorded, items, turnIds, commands, lines, left },
    told: lastTold(fixture.model, threadId),
    agentTask: { before, after },
  });
  await watch.stop();
  for (const worker of scene.workers) await worker.kill();
  for (const record of kills) record.continuesAfterMs = continuesAfter(recorded, scene.longTurnId, record);
  return {
    plan,
    kills,
    turns,
    lost: lostCommands(items, lines),
    linesWritten: lines.length,
    events: recorded.length,
    runs: view?.runCount ?? 0,
    agentTasks: { registered: countOf(recorded), unused: view?.counters.unusedAgentTasks ?? 0 },
    durationMs: Date.now() - beganAt,
    violations: [...violations, ...found],
  };
}

// ----------------------------------------------------------------------------------------------------------- turns

function toLongTurn(turnId: string, commands: readonly string[]): SubmitTurn {
  const text = commands.map((command) => `run: ${command}`).join('\n');
  return { turnId, kind: 'regular', input: [{ type: 'text', text }] };
}

/** By turns one that waits in the queue, and a command of the person that runs beside. */
function toShortTurns(count: number): SubmitTurn[] {
  return Array.from({ length: count }, (_, index): SubmitTurn => {
    const turnId = `short-${index + 1}`;
    const command = `echo ${turnId} >> log`;
    if (index % 2 === 1) return { turnId, kind: 'user_shell', input: [{ type: 'text', text: command }] };
    return { turnId, kind: 'regular', input: [{ type: 'text', text: `run: ${command}` }], onBusy: 'queue' };
  });
}

const AGAIN_MS = 100;
const OUTAGE: ReadonlySet<string> = new Set(['serviceUnavailable', 'workerUnavailable']);

/** As a careful caller does it: again, under the same id, until it is acknowledged. */
async function submit(thread: ThreadHandle, turn: SubmitTurn): Promise<TurnRecord> {
  for (let submissions = 1; ; submissions++) {
    try {
      await thread.submit(turn);
      return { turnId: turn.turnId, submissions, status: 'unknown', durationMs: 0 };
    } catch (error) {
      if (!(error instanceof BobbinError) || !OUTAGE.has(error.code)) throw error;
      await sleep(AGAIN_MS);
    }
  }
}

async function completionOf(watch: Watch, record: TurnRecord): Promise<void> {
  const end = await watch.waitFor(
    (event) => event.type === 'turn/completed' && event.turn.turnId === record.turnId,
    `end of turn ${record.turnId}`,
  );
  if (end.type !== 'turn/completed') return;
  record.status = end.turn.status;
  record.durationMs = end.turn.durationMs;
}

// ----------------------------------------------------------------------------------------------------------- kills

/** Resolves when that command of the long turn has begun. */
function atStep(watch: Watch, plan: RoundPlan, step: number): Promise<ThreadEvent> {
  const command = plan.commands[step - 1];
  return watch.waitFor(
    (event) =>
      event.type === 'item/started' && event.item.type === 'commandExecution' && event.item.command === command,
    `begin of step ${step}`,
  );
}

async function killOnce(
  scene: Scene,
  kill: PlannedKill,
  shortTurns: readonly SubmitTurn[],
): Promise<[KillRecord, TurnRecord[]]> {
  if (kill.victim === 'oneOfTwo') scene.workers.push(await scene.newWorker());
  await atStep(scene.watch, scene.plan, kill.afterStep);
  await sleep(kill.delayMs);
  const during = describeMoment(scene);
  const killedAt = Date.now();
  const restart = await strike(scene, kill);
  const submitting = Promise.all(shortTurns.map((turn) => submit(scene.thread, turn)));
  const upAgain = sleep(restart === null ? 0 : kill.downMs).then(() => restart?.());
  await upAgain;
  const upAfterMs = restart === null ? 0 : Date.now() - killedAt;
  const at = new Date(killedAt).toISOString();
  return [{ victim: kill.victim, at, during, upAfterMs, continuesAfterMs: null }, await submitting];
}

/** Kills, and gives what starts the victim again; null where nothing has to be. */
async function strike(scene: Scene, { victim, which }: PlannedKill): Promise<(() => Promise<void>) | null> {
  const { service } = scene.fixture;
  const killWorkers = () => Promise.all(scene.workers.splice(0).map((worker) => worker.kill()));
  const startWorker = async () => void scene.workers.push(await scene.newWorker());
  switch (victim) {
    case 'worker':
      await killWorkers();
      return startWorker;
    case 'service':
      await service.kill();
      return () => service.start();
    case 'both':
      await Promise.all([service.kill(), killWorkers()]);
      return async () => {
        await service.start();
        await startWorker();
      };
    case 'oneOfTwo': {
      const [worker] = scene.workers.splice(which, 1);
      await worker?.kill();
      return null;
    }
  }
}

/** What the turn does, as far as its events tell. */
function describeMoment({ watch, longTurnId, plan }: Scene): string {
  const last = watch.events.findLast((event) => 'turnId' in event && event.turnId === longTurnId);
  const ended = watch.events.some((event) => event.type === 'turn/completed' && event.turn.turnId === longTurnId);
  if (ended) return 'nothing: the turn had ended';
  if (last?.type !== 'item/started' || last.item.type !== 'commandExecution') return 'model step';
  return `command ${plan.commands.indexOf(last.item.command) + 1}`;
}

/** From the kill to the next event of the turn that a worker recorded. */
function continuesAfter(events: readonly ThreadEvent[], turnId: string, record: KillRecord): number | null {
  const killedAt = Date.parse(record.at);
  const next = events.find((event) => 'turnId' in event && event.turnId === turnId && event.at > killedAt);
  return next === undefined ? null : next.at - killedAt;
}

// -------------------------------------------------------------------------------------------------------- evidence

const GONE_BOUND_MS = 30_000;

/** What is left of a lost command is ended before the next step, or soon after the last one. */
async function waitUntilGone(prefix: string): Promise<MarkedProcess[]> {
  const until = Date.now() + GONE_BOUND_MS;
  for (;;) {
    const left = findMarked(prefix);
    if (left.length === 0 || Date.now() > until) return left;
    await sleep(50);
  }
}

async function gather(thread: ThreadHandle, watch: Watch) {
  const view = await thread.view();
  await watch.waitFor(({ seq }) => seq === view.lastSeq, `event ${view.lastSeq}`);
  const recorded: ThreadEvent[] = [];
  for await (const event of thread.events()) {
    recorded.push(event);
    if (event.seq >= view.lastSeq) break;
  }
  const items: Item[] = [];
  for await (const item of thread.items()) items.push(item);
  return { view, recorded, items, seen: watch.events.filter(({ seq }) => seq <= view.lastSeq) };
}

function lastTold(model: ModelServer, threadId: string): unknown[] {
  const bodies = model.requests.map(({ body }) => body as { prompt_cache_key?: string; input?: unknown[] });
  const input = bodies.findLast((body) => body.prompt_cache_key === threadId)?.input ?? [];
  return (input as { type?: string; output?: unknown }[])
    .filter(({ type }) => type === 'function_call_output')
    .map(({ output }) => output);
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '');
  } catch {
    return [];
  }
}

function lostCommands(items: readonly Item[], lines: readonly string[]) {
  return items.flatMap((item) => {
    if (item.type !== 'commandExecution' || item.status !== 'lost') return [];
    const line = /step-\d+|short-\d+/.exec(item.command)?.[0] ?? item.command;
    return [{ line, written: lines.includes(line) }];
  });
}

function countOf(events: readonly ThreadEvent[]): number {
  return events.filter(({ type }) => type === 'agentTask/registered').length;
}

function describeRound({ plan, kills, turns, lost, runs, violations, durationMs }: RoundReport): string {
  const told = kills.map(
    ({ victim, during, continuesAfterMs }) => `${victim} in ${during} (continues after ${continuesAfterMs ?? '–'} ms)`,
  );
  const line = `round ${plan.round}: ${told.join(', ')}; ${turns.length} turns, ${runs} runs, ${lost.length} lost, ${durationMs} ms`;
  return [line, ...violations.map((violation) => `  ! ${violation}`)].join('\n');
}
