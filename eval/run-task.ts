/** Runs one attempt at a task: a thread, its turns, the check. Each step can be repeated if the process was ended. */
import { join } from 'node:path';
import type { Bobbin, ThreadHandle } from '../src/client/index.ts';
import type { Item, TurnCompletion } from '../src/contract/index.ts';
import { withLeft } from './check/left.ts';
import { CheckBroken, runSandboxed } from './check/sandbox.ts';
import { type Environment, toStart } from './environment.ts';
import type { Case, Result } from './record.ts';
import { readSpent } from './spent.ts';
import { withRules } from './tasks/rules.ts';
import { setUp } from './tasks/set-up.ts';
import type { Task, Turn } from './tasks/task.ts';
import { endOfTurn, outcomeOf } from './turn-outcome.ts';

export const OFFLINE = 'offline/bobbin-offline';

export async function runTask(
  environment: Environment,
  task: Task,
  { entry, usd }: { entry: Case; usd: number | null },
): Promise<Result> {
  const { bobbin, save } = environment;
  const { threadId } = entry;
  const cwd = join(environment.workspaces, threadId);
  if (!entry.prepared) {
    setUp(task, cwd);
    entry.prepared = true;
    await save();
  }
  const thread = await bobbin.threads.start(toStart(environment, { threadId, cwd, title: task.name, usd }));
  const ends: TurnCompletion[] = [];
  for (const [index, turn] of task.turns.entries()) {
    const end = await runTurn(environment, thread, { turn, index, cwd, entry });
    ends.push(end);
    if (end.status !== 'completed') break;
  }
  const seconds = ends.reduce((sum, { durationMs }) => sum + durationMs, 0) / 1000;
  const facts = { seconds, spent: await readSpent(thread), found: null };
  const bad = outcomeOf(ends.at(-1));
  const verdict = bad ?? (await judge(environment, task, { thread, cwd }));
  await thread.close({ reason: 'the evaluation has its result' });
  return { ...verdict, ...facts };
}

interface PlacedTurn {
  turn: Turn;
  index: number;
  cwd: string;
  entry: Case;
}

async function runTurn(
  environment: Environment,
  thread: ThreadHandle,
  { turn, index, cwd, entry }: PlacedTurn,
): Promise<TurnCompletion> {
  const { signal, options, save, runner } = environment;
  if (entry.begun <= index) {
    if (turn.before !== undefined) await changeByPerson(environment, cwd, turn.before, runner);
    entry.begun = index + 1;
    await save();
  }
  const steps = options.spoilt ? (turn.spoilt ?? turn.solution) : turn.solution;
  const text = options.model === OFFLINE ? withRules(turn.prompt, steps) : turn.prompt;
  const turnId = `turn-${index + 1}`;
  await thread.submit({ turnId, kind: 'regular', input: [{ type: 'text', text }] });
  return await endOfTurn(thread, turnId, signal);
}

/** In a sandbox, too: an agent that was there may have replaced a file by a link. */
async function changeByPerson(
  { signal }: Environment,
  workspace: string,
  command: string,
  runner: Environment['runner'],
): Promise<void> {
  const threadId = 'person';
  const { exitCode, output } = await runSandboxed({
    ...{ runner, workspace, threadId, signal, command },
    mode: 'workspace-write',
  });
  if (exitCode !== 0) throw new CheckBroken(`The workspace could not be changed between two turns: ${output}`);
}

type Verdict = Pick<Result, 'status' | 'reason'>;

/** A check throws for whatever it does not like; a workspace can make it throw anything. */
async function judge(
  { bobbin, runner, signal }: Environment,
  task: Task,
  { thread, cwd }: { thread: ThreadHandle; cwd: string },
): Promise<Verdict> {
  const items = await itemsOfTree(bobbin, thread);
  try {
    await withLeft({ workspace: cwd, runner, items, signal }, (left) => task.check(left));
    return { status: 'passed', reason: null };
  } catch (error) {
    signal.throwIfAborted();
    const reason = error instanceof Error ? error.message : String(error);
    return { status: error instanceof CheckBroken ? 'error' : 'failed', reason };
  }
}

async function itemsOfTree(bobbin: Bobbin, thread: ThreadHandle): Promise<Item[]> {
  const items: Item[] = [];
  for await (const item of thread.items()) items.push(item);
  const { subThreads } = await thread.view();
  for (const { threadId } of subThreads) items.push(...(await itemsOfTree(bobbin, bobbin.threads.get(threadId))));
  return items;
}
