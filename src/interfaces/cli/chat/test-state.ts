/** States and inputs for the tests of the chat. */
import type { ThreadEvent, ThreadRequest, ThreadView } from '../../../contract/index.ts';
import { toTerminal } from '../text/terminal-text.ts';
import type { Key } from './editor.ts';
import { reduce } from './reduce.ts';
import { type ChatInput, type ChatState, type Effect, initialState } from './state.ts';

const ESC = String.fromCharCode(27);
const COLOURS = new RegExp(`${ESC}\\[\\d+m`, 'g');
export const plain = (text: string): string => text.replace(COLOURS, '');

export interface Played {
  state: ChatState;
  /** Lines that stay, without colours. */
  out: string[];
  effects: Effect[];
}

/** Plays inputs one after the other. */
export function play(state: ChatState, ...inputs: ChatInput[]): Played {
  const played: Played = { state, out: [], effects: [] };
  for (const input of inputs) {
    const step = reduce(played.state, input);
    played.state = step.state;
    played.out.push(...step.out.map((line) => plain(toTerminal(line))));
    played.effects.push(...step.effects);
  }
  return played;
}

export const begin = (prompts: string[] = []): ChatState => initialState('t-1', prompts, 0);
export const typed = (text: string): ChatInput => ({ type: 'key', key: { name: 'text', text } });
export const press = (name: Key['name']): ChatInput => ({ type: 'key', key: { name, text: '' } });
export const tick = (now: number): ChatInput => ({ type: 'tick', now });
/** Long enough to have read a request. */
export const READ = [tick(250), tick(500), tick(750)];

export const USAGE = {
  inputTokens: 0,
  cachedInputTokens: 0,
  outputTokens: 0,
  reasoningOutputTokens: 0,
  totalTokens: 1_234,
  costMicroUsd: 20_000,
};
const SPENT = { tokens: 0, costMicroUsd: 0, steps: 0, wallMs: 0 };

export function viewOf(change: Partial<ThreadView> = {}): ThreadView {
  return {
    threadId: 't-1',
    status: 'idle',
    activeFlags: [],
    settings: { model: 'offline/one', cwd: '/work' } as ThreadView['settings'],
    forkedFrom: null,
    createdAt: 0,
    updatedAt: 0,
    activeTurn: null,
    besideTurns: [],
    queuedTurns: [],
    openRequests: [],
    subThreads: [],
    agentTask: { status: 'none' } as unknown as ThreadView['agentTask'],
    usage: USAGE,
    budget: { turn: null, thread: { spent: SPENT, limits: {}, waitedMs: 0 }, tree: { spent: SPENT, limits: {} } },
    context: { tokens: 500, compactAt: 1_000, firstItem: 0, compactions: 0 },
    lastSeq: 0,
    itemCount: 0,
    turnCount: 0,
    runCount: 0,
    counters: { droppedResults: 0, rejectedMessages: 0, unusedAgentTasks: 0 },
    ...change,
  };
}

export function activeView(kind: 'regular' | 'compact' = 'regular', change: Partial<ThreadView> = {}): ThreadView {
  const phase = { type: 'callingModel' as const, step: 1 };
  return viewOf({ status: 'active', activeTurn: { turnId: 'turn-1', kind, startedAt: 0, phase }, ...change });
}

const BASE = {
  requestId: 'req_1',
  turnId: 'turn-1',
  itemId: 'item_1',
  openedAt: 0,
  deadlineAt: null,
  default: 'decline' as const,
  reason: 'the policy asks',
  origin: null,
};

export function commandRequest(
  change: Partial<Extract<ThreadRequest, { type: 'commandExecution' }>> = {},
): ThreadRequest {
  return { ...BASE, type: 'commandExecution', command: 'rm -rf build', cwd: '/work', sandboxed: true, ...change };
}

export function patchRequest(patch: string): ThreadRequest {
  return { ...BASE, type: 'fileChange', paths: ['/work/a.txt'], patch: { text: patch, chars: patch.length } };
}

export function questionRequest(...questions: { id: string; options: string[] }[]): ThreadRequest {
  return {
    ...BASE,
    type: 'userInput',
    questions: questions.map(({ id, options }) => ({
      id,
      header: id,
      question: `${id}?`,
      options: options.map((label) => ({ label, description: '' })),
    })),
  };
}

type Body = ThreadEvent extends infer E ? (E extends ThreadEvent ? Omit<E, 'seq' | 'at'> : never) : never;

export function happened(body: Body, seq = 1): ChatInput {
  return { type: 'event', event: { seq, at: 0, ...body } };
}
