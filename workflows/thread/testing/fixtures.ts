/** A thread without Temporal: events in, state and wanted actions out. For tests of the machine. */
import type { PathLead } from '../../../activities/ports.ts';
import type { InputItem, ReviewOutput, SubmitTurn, ThreadEvent, ThreadSettings } from '../../../src/contract/index.ts';
import type { Action } from '../state/actions.ts';
import { readEvents } from '../state/log.ts';
import type { Happening, ModelOutput } from '../state/inputs.ts';
import { decide, reduce } from '../machine/machine.ts';
import { DECISIONS, NO_USAGE, type ThreadState, newThreadState } from '../state/state.ts';

export const SETTINGS: ThreadSettings = {
  cwd: '/work/repo',
  title: '',
  model: 'offline/test',
  instructions: '',
  approvalPolicy: 'on-request',
  sandbox: 'workspace-write',
  agentIdentity: { mode: 'off', account: 'default' },
  unattended: null,
  snapshots: false,
  searchAttributes: false,
  repositoryRules: false,
  parent: null,
  subThreads: { maxDepth: 2, maxActive: 6 },
  reviewModel: null,
  budget: {},
  waitingApart: true,
  quietFirstStep: true,
  network: false,
  requestDeadlineMs: 60_000,
  continueAsNewAfter: { events: 2_000, bytes: 1_000_000 },
};

export const NOTHING_FOUND: ReviewOutput = {
  findings: [],
  overallCorrectness: 'patch is correct',
  overallExplanation: 'It does what it says.',
  overallConfidenceScore: 0.9,
  findingsLeftOut: 0,
};

export interface TestThread {
  readonly state: ThreadState;
  /** Ids of the actions that are under way: started by `decide`, not ended yet. */
  readonly running: string[];
  /** Ids of actions that were told to stop and have not ended. */
  readonly stopping: string[];
  /** The clock, in milliseconds; each event takes one. */
  at: number;
  dispatch(happening: Happening): void;
  submit(turnId: string, text?: string, more?: Partial<SubmitTurn>): void;
  /** The one action of that type under way. */
  action<T extends Action['type']>(type: T): Extract<Action, { type: T }>;
  actions<T extends Action['type']>(type: T): Extract<Action, { type: T }>[];
  /** The model answers: strings are messages, the rest tool calls. */
  answer(...output: TestAnswer[]): void;
  events(): ThreadEvent[];
  types(): string[];
  /** The terminal events of a turn. */
  completions(turnId: string): Extract<ThreadEvent, { type: 'turn/completed' }>['turn'][];
  /** From now on with this state: what continue-as-new does. */
  restart(state: ThreadState): void;
}

type TestAnswer = string | { name: string; arguments: unknown; callId?: string; leads?: PathLead[] };

export function text(value: string): InputItem[] {
  return [{ type: 'text', text: value }];
}

export function testThread(settings: Partial<ThreadSettings> = {}): TestThread {
  let state = newThreadState('t1', { ...SETTINGS, ...settings }, 1_000);
  state = { ...state, decisions: DECISIONS, snapshots: { ...state.snapshots, after: state.settings.snapshots } };
  let wanted: Action[] = [];
  const running = new Map<string, Action>();
  const stopping = new Set<string>();

  const follow = (): void => {
    wanted = decide(state, [...running.keys()]);
    const ids = new Set(wanted.map(({ id }) => id));
    for (const [id, action] of running) {
      if (ids.has(id)) continue;
      if (action.type === 'awaitTime' || action.type === 'watchChild') running.delete(id);
      else stopping.add(id);
    }
    for (const action of wanted) if (!running.has(action.id)) running.set(action.id, action);
  };

  const thread: TestThread = {
    get state() {
      return state;
    },
    get running() {
      return [...running.keys()];
    },
    get stopping() {
      return [...stopping];
    },
    at: 1_000,
    dispatch(happening) {
      thread.at += 1;
      if ('id' in happening && typeof happening.id === 'string' && happening.type !== 'messageRejected') {
        running.delete(happening.id);
        stopping.delete(happening.id);
      }
      state = reduce(state, { ...happening, at: thread.at, running: [...running.keys()] });
      follow();
    },
    submit(turnId, input = 'hello', more = {}) {
      thread.dispatch({ type: 'turnSubmitted', turn: { turnId, kind: 'regular', input: text(input), ...more } });
    },
    actions<T extends Action['type']>(type: T) {
      return [...running.values()].filter(
        (action): action is Extract<Action, { type: T }> => action.type === type && !stopping.has(action.id),
      );
    },
    action(type) {
      const [only, ...others] = thread.actions(type);
      if (only === undefined || others.length > 0)
        throw new Error(`one ${type} was expected among: ${[...running.keys()].join(', ')}`);
      return only;
    },
    answer(...output) {
      const { id } = thread.action('callModel');
      thread.dispatch({
        type: 'modelEnded',
        id,
        end: { type: 'answered', output: output.map(toOutput), usage: NO_USAGE },
      });
    },
    events: () => readEvents(state.log, 0, 100_000).events,
    types: () => thread.events().map(({ type }) => type),
    completions: (turnId) =>
      thread
        .events()
        .flatMap((event) => (event.type === 'turn/completed' && event.turn.turnId === turnId ? [event.turn] : [])),
    restart(next) {
      state = next;
      running.clear();
      stopping.clear();
      follow();
    },
  };
  thread.dispatch({ type: 'threadOpened', warnings: [] });
  return thread;
}

let calls = 0;

function toOutput(output: TestAnswer): ModelOutput {
  if (typeof output === 'string') return { type: 'message', text: output };
  const raw = typeof output.arguments === 'string' ? output.arguments : JSON.stringify(output.arguments);
  const { callId = `call_${calls++}`, name, leads } = output;
  return { type: 'toolCall', callId, name, arguments: raw, ...(leads === undefined ? {} : { leads }) };
}

export function exec(cmd: string, more: Record<string, unknown> = {}) {
  return { name: 'exec_command', arguments: { cmd, ...more } };
}

export const EXITED = {
  type: 'reported',
  outcome: 'exited',
  exitCode: 0,
  output: 'done\n',
  durationMs: 12,
  gone: true,
} as const;
