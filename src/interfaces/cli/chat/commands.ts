/** The `/commands` of a chat, each a call or two of the client. */
import { randomUUID } from 'node:crypto';
import type { Bobbin, NewThread, ThreadHandle } from '../../../client/index.ts';
import type { ReviewTarget, ThreadSummary, TurnSubmission } from '../../../contract/index.ts';
import { plural } from '../../../contract/plain/plural.ts';
import { toInput } from '../image-files.ts';
import { columns } from '../text/columns.ts';
import { renderPreview } from '../text/render.ts';
import { type Part, beginning, line, paint } from '../text/terminal-text.ts';
import { describeTree, readTree } from '../thread/agents.ts';
import { describeBudget } from '../thread/budget-options.ts';
import { COMMANDS, type CommandName, type SlashCommand } from './slash.ts';
import type { ChatState, Picker } from './state.ts';
import { renderAsked } from './transcript.ts';

export interface CommandContext {
  readonly bobbin: Bobbin;
  readonly thread: ThreadHandle | null;
  readonly start: NewThread;
  readonly state: () => ChatState;
  readonly submit: (turn: TurnSubmission, text: string) => Promise<void>;
  /** Talks with another thread from now on. */
  readonly open: (thread: ThreadHandle, lines: readonly Part[]) => Promise<void>;
  /** Lets the person choose one of these. */
  readonly pick: (threads: Picker['threads']) => void;
  readonly leave: () => void;
}

type Lines = readonly Part[];
type Given = CommandContext & { argument: string };
type Body = (given: Given & { thread: ThreadHandle }) => Promise<Lines> | Lines;

/** Returns the lines that the command prints. */
export async function runSlash({ name, argument }: SlashCommand, context: CommandContext): Promise<Lines> {
  const { thread } = context;
  const alone = WITHOUT_THREAD[name];
  if (alone !== undefined) return alone({ ...context, argument });
  if (thread === null) return [paint.yellow('There is no thread yet: it begins with the first prompt.')];
  return (await WITH_THREAD[name]?.({ ...context, thread, argument })) ?? [];
}

const WITHOUT_THREAD: Partial<Record<CommandName, (given: Given) => Promise<Lines> | Lines>> = {
  help: () => HELP,
  threads: listThreads,
  resume: resumeThread,
  image,
  quit({ leave }) {
    leave();
    return [];
  },
};

const WITH_THREAD: Partial<Record<CommandName, Body>> = {
  undo,
  redo: (given) => submit(given, '/redo', { kind: 'redo' }),
  compact: (given) => submit(given, '/compact', { kind: 'compact', onBusy: 'queue' }),
  review: (given) =>
    submit(given, '/review', { kind: 'review', review: { target: toTarget(given.argument) }, onBusy: 'queue' }),
  fork,
  rollback,
  // With a name it is an override of the next turn: see `prompt.ts`.
  model: ({ state }) => [`model ${state().view?.settings.model ?? 'not known yet'}`],
  effort: ({ state }) => [`effort ${state().view?.settings.effort ?? 'default'}`],
  async agents({ bobbin, thread }) {
    const lines = describeTree(await readTree(bobbin, await thread.view()), '');
    return lines.length > 0 ? lines : ['no agents'];
  },
  rules,
  budget({ state }) {
    const { view } = state();
    return view === null ? [] : describeBudget(view.budget);
  },
  queue,
  show({ state }) {
    const lines = state().requests.flatMap(({ request }) => renderAsked(request));
    return lines.length > 0 ? lines : ['no request is open'];
  },
};

async function submit(given: Given, text: string, turn: Omit<TurnSubmission, 'turnId'>): Promise<Lines> {
  await given.submit({ turnId: `${turn.kind}-${randomUUID()}`, ...turn }, text);
  return [];
}

const HELP: Lines = [
  ...columns(COMMANDS.map(([name, argument, what]) => [`/${name} ${argument}`.trim(), what])),
  '!command  run a command yourself, in the workspace; it runs in parallel with the agent',
  '@path     Tab completes the name of a file; the agent sees an image that is named like this',
  'Enter sends; while a turn runs, it joins that turn. Tab sends it after the turn. Alt-Enter, Ctrl-J or \\ Enter: a new line',
  'Esc or Ctrl-C interrupts. Ctrl-C twice, or Ctrl-D, leaves: the thread stays, and goes on.',
];

async function image(given: Given): Promise<Lines> {
  const [, file, words = ''] = /^("[^"]+"|\S+)\s*([^]*)$/.exec(given.argument) ?? [];
  if (file === undefined) return [paint.yellow('/image takes a file, and the text to send with it')];
  const name = file.replaceAll('"', '');
  // A folder of a host that was named may be one of another machine.
  const { cwd, host } = given.start.workspace;
  const folder = host === undefined ? cwd : undefined;
  const input = await toInput(given.bobbin, words === '' ? undefined : words, [name], folder);
  return submit(given, `/image ${given.argument}`, { kind: 'regular', input, onBusy: 'queue' });
}

async function undo(given: Parameters<Body>[0]): Promise<Lines> {
  if (/^y(es)?$/i.test(given.argument)) return submit(given, '/undo yes', { kind: 'undo' });
  return [...renderPreview(await given.thread.previewUndo()), paint.bold('/undo yes does it')];
}

/** One word is a branch. */
function toTarget(argument: string): ReviewTarget {
  if (argument === '') return { type: 'uncommittedChanges' };
  const [, sha] = /^commit\s+(\S+)$/.exec(argument) ?? [];
  if (sha !== undefined) return { type: 'commit', sha };
  return /\s/.test(argument) ? { type: 'custom', instructions: argument } : { type: 'baseBranch', branch: argument };
}

async function fork({ argument, thread, bobbin, open }: Parameters<Body>[0]): Promise<Lines> {
  const forked = await bobbin.threads.fork(thread.threadId, argument === '' ? {} : { turnId: argument });
  await open(forked, [paint.green(`thread ${forked.threadId}, a fork of ${thread.threadId}`)]);
  return [];
}

async function rollback({ argument, thread }: Parameters<Body>[0]): Promise<Lines> {
  const numTurns = argument === '' ? 1 : Number(argument);
  if (!Number.isSafeInteger(numTurns) || numTurns < 1) return [paint.yellow('/rollback takes a number of turns')];
  const { dropped } = await thread.rollback({ numTurns });
  return [`no longer part of the conversation: ${plural(dropped.length, 'turn')}; files are as they were`];
}

async function rules({ argument, thread }: Parameters<Body>[0]): Promise<Lines> {
  const [, ruleId] = /^revoke\s+(\S+)$/.exec(argument) ?? [];
  if (ruleId !== undefined) await thread.revokeRule({ ruleId });
  const { rules: found } = await thread.rules();
  if (found.length === 0) return ['no answers are remembered for this thread'];
  return found.map((rule) => line`${rule.ruleId}  ${rule.scope}  ${rule.decision}  ${JSON.stringify(rule.match)}`);
}

async function queue({ argument, thread, state }: Parameters<Body>[0]): Promise<Lines> {
  const queued = state().view?.queuedTurns ?? [];
  const [, verb, number = '', words = ''] = /^(drop|edit)\s+(\d+)\s*([^]*)$/.exec(argument) ?? [];
  if (verb === undefined) {
    if (queued.length === 0) return ['nothing waits'];
    return queued.map(({ text, kind }, index) => line`${index + 1}  ${kind}  ${beginning(text)}`);
  }
  const turn = queued[Number(number) - 1];
  if (turn === undefined) return [paint.yellow(`There is no queued turn ${number}.`)];
  const { turnId } = turn;
  if (verb === 'edit' && words === '') return [paint.yellow('/queue edit N needs the new text')];
  const input = [{ type: 'text' as const, text: words }];
  await thread.editQueue(verb === 'drop' ? { op: 'drop', turnId } : { op: 'edit', turnId, input });
  return [];
}

const MAX_LISTED = 20;

async function listThreads({ bobbin, start, thread, state }: Given): Promise<Lines> {
  const found: Picker['threads'] = await threadsOf(bobbin, start.workspace.cwd);
  const { view } = state();
  const own = found.find(({ threadId }) => threadId === thread?.threadId);
  // The service may list the thread of this chat late, or after too many newer ones.
  const here = own ?? (view === null ? undefined : { ...view, title: view.settings.title });
  const others = found.filter((one) => one !== own);
  if (here === undefined && others.length === 0) return noThreads(start);
  const toRow = (mark: string) => (one: Picker['threads'][number]) => [mark, one.threadId, one.status, one.title];
  return [
    ...columns([...(here === undefined ? [] : [here].map(toRow('●'))), ...others.map(toRow(' '))]),
    '/resume chooses one',
  ];
}

function noThreads({ workspace }: NewThread): Lines {
  return [workspace.cwd === undefined ? 'no threads' : 'no threads in this folder'];
}

/**
 * Newest first, without those that other workflows started. @param cwd undefined: of every folder, since each thread of a
 * repository has its own
 */
export async function threadsOf(bobbin: Bobbin, cwd: string | undefined): Promise<ThreadSummary[]> {
  return bobbin.threads.list({ limit: MAX_LISTED, ...(cwd === undefined ? {} : { cwd }) });
}

async function resumeThread(given: Given): Promise<Lines> {
  const { argument, bobbin, open } = given;
  if (argument === '') return pickThread(given);
  const { thread, rejoined } = await bobbin.threads.resume(await bobbin.threads.find(argument));
  await open(thread, [paint.green(`thread ${thread.threadId}${rejoined ? '' : ', open again'}`)]);
  return [];
}

async function pickThread({ bobbin, start, pick }: Given): Promise<Lines> {
  const found = await threadsOf(bobbin, start.workspace.cwd);
  if (found.length === 0) return noThreads(start);
  pick(found.map(({ threadId, title, status }) => ({ threadId, title, status: status })));
  return [];
}
