/**
 * Kill -9 of the worker at each boundary of each kind of task: once for every event of a turn, in a separate thread, the
 * worker that served it dies right after that event and another one takes over. Nothing may be lost, nothing done twice.
 */
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ThreadHandle } from '../../src/client/index.ts';
import type { Item, ThreadEvent, TurnCompletion, TurnSubmission } from '../../src/contract/index.ts';
import type { KillFixture } from './fixture.ts';
import { gaps, itemViolations, turnViolations } from './checks.ts';
import { type Watch, watchThread } from './watch.ts';

/** One turn of a kind, and what must be so after it, whatever was killed meanwhile. */
export interface KindScenario {
  name: string;
  /** Turns that come before, without a kill. */
  before: TurnSubmission[];
  turn: TurnSubmission;
  /** Sentences about what is not as it must be. */
  check(evidence: KindEvidence): string[];
}

export interface KindEvidence {
  cwd: string;
  items: readonly Item[];
  events: readonly ThreadEvent[];
  end: TurnCompletion;
  /** Lines of a file of the workspace; none where it is missing. */
  lines(file: string): string[];
}

export interface KindResult {
  scenario: string;
  /** The event of the turn after which the worker was killed, by its number and type. */
  boundary: number;
  event: string;
  status: string;
  durationMs: number;
  violations: string[];
}

/** Every boundary of one scenario, one after the other. */
export async function* killAtEachBoundary(fixture: KillFixture, scenario: KindScenario): AsyncGenerator<KindResult> {
  for (let boundary = 1; ; boundary++) {
    const result = await killAt(fixture, scenario, boundary);
    if (result === null) return;
    yield result;
  }
}

/** Null where the turn ends before that boundary. */
export async function killAt(
  fixture: KillFixture,
  scenario: KindScenario,
  boundary: number,
): Promise<KindResult | null> {
  const beganAt = Date.now();
  const first = await fixture.runningWorker();
  const threadId = `kind-${scenario.name}-${boundary}-${randomUUID().slice(0, 8)}`;
  const cwd = makeRepository(fixture.workspace(threadId));
  const thread = await fixture.bobbin.threads.start({ threadId, workspace: { cwd } });
  const watch = watchThread(thread);
  let second: Awaited<ReturnType<KillFixture['worker']>> | null = null;
  try {
    for (const turn of scenario.before) await runTurn(thread, watch, turn);
    await thread.submit(scenario.turn);
    const event = await eventOf(watch, scenario.turn.turnId, boundary);
    if (event === null) return null;
    await first.kill();
    second = await fixture.worker();
    const end = await endOf(watch, scenario.turn.turnId);
    const violations = await judge(scenario, thread, watch, { cwd, end });
    return {
      ...{ scenario: scenario.name, boundary, event: describe(event), status: end.status, violations },
      durationMs: Date.now() - beganAt,
    };
  } catch (error) {
    await first.kill();
    await second?.kill();
    throw error;
  } finally {
    await watch.stop();
  }
}

async function judge(
  scenario: KindScenario,
  thread: ThreadHandle,
  watch: Watch,
  { cwd, end }: { cwd: string; end: TurnCompletion },
): Promise<string[]> {
  // The thread still works, and by now everything of the turn has been seen.
  await runTurn(thread, watch, {
    turnId: 'after',
    kind: 'regular',
    input: [{ type: 'text', text: 'say: still here' }],
  });
  const items: Item[] = [];
  for await (const item of thread.items()) items.push(item);
  const events = watch.events;
  const lines = (file: string) => readLines(join(cwd, file));
  return [
    ...gaps(events),
    ...[scenario.turn.turnId, 'after'].flatMap((turnId) => turnViolations(events, turnId)),
    ...itemViolations(events, items),
    ...scenario.check({ cwd, items, events, end, lines }),
  ];
}

async function runTurn(thread: ThreadHandle, watch: Watch, turn: TurnSubmission): Promise<void> {
  await thread.submit(turn);
  await endOf(watch, turn.turnId);
}

async function endOf(watch: Watch, turnId: string): Promise<TurnCompletion> {
  const isEnd = (event: ThreadEvent) => event.type === 'turn/completed' && event.turn.turnId === turnId;
  const end = await watch.waitFor(isEnd, `end of turn ${turnId}`);
  if (end.type !== 'turn/completed') throw new Error(`${end.type} is no end`);
  return end.turn;
}

/** The event with that number among those since the turn began; null where the turn has ended before. */
async function eventOf(watch: Watch, turnId: string, number: number): Promise<ThreadEvent | null> {
  const begin = await watch.waitFor((event) => event.type === 'turn/started' && event.turnId === turnId, 'begin');
  const seq = begin.seq + number - 1;
  const found = await watch.waitFor(
    (event) => event.seq === seq || (event.type === 'turn/completed' && event.turn.turnId === turnId),
    `event ${seq}`,
  );
  return found.type === 'turn/completed' ? null : found;
}

function describe(event: ThreadEvent): string {
  return 'item' in event ? `${event.type} ${event.item.type}` : event.type;
}

function makeRepository(cwd: string): string {
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=T', '-c', 'user.email=t@example.invalid', ...args], { cwd, stdio: 'ignore' });
  git('init', '-q', '-b', 'main');
  writeFileSync(join(cwd, 'kept.txt'), 'kept\n');
  git('add', '-A');
  git('commit', '-q', '-m', 'Begin');
  return cwd;
}

function readLines(path: string): string[] {
  return existsSync(path)
    ? readFileSync(path, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
    : [];
}
