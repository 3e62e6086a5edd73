/** A thread without Temporal: events in, state and desired actions out. For tests of the machine. */
import type { StepOutput } from '../../../activities/contract.ts';
import type { CommandReport, PathLead } from '../../../activities/ports.ts';
import type { InputItem, ReviewOutput, SubmitTurn, ThreadEvent, ThreadSettings } from '../../../src/contract/index.ts';
import { type Action, onlyWaits } from '../state/actions.ts';
import { readEvents } from '../state/log.ts';
import type { MachineInput } from '../state/inputs.ts';
import { decide, reduce } from '../machine/machine.ts';
import { DECISIONS } from '../../../src/contract/plain/decisions.ts';
import { NO_USAGE, type ThreadState, newThreadState } from '../state/state.ts';
import type { StepAction, StepActivity, StepEnd, StepEnded, StepInput, StepValue } from '../state/steps.ts';

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
  promptInMemo: true,
  quietFirstStep: true,
  network: false,
  identityWaitMs: null,
  requestDeadlineMs: 60_000,
  continueAsNewAfter: { events: 2_000, bytes: 1_000_000 },
};

/** Random plays of a property for a tool that repeats all tests for every change; not every case occurs among them then. */
export const FEW_PLAYS =
  process.env['BOBBIN_TEST_PLAYS'] === undefined ? null : Number(process.env['BOBBIN_TEST_PLAYS']);

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
  /** Ids of actions that were asked to stop and have not ended. */
  readonly stopping: string[];
  /** The clock, in milliseconds; each event takes one. */
  at: number;
  dispatch(machineInput: MachineInput): void;
  submit(turnId: string, text?: string, more?: Partial<SubmitTurn>): void;
  /** The one step of that activity under way. */
  step<A extends StepActivity>(activity: A): StepAction<A>;
  steps<A extends StepActivity>(activity: A): StepAction<A>[];
  input<A extends StepActivity>(activity: A): StepInput<A>;
  inputs<A extends StepActivity>(activity: A): StepInput<A>[];
  /** A step ends: the one under way if no id is given. */
  end<A extends StepActivity>(activity: A, end: StepEnd<A>, id?: string): void;
  done<A extends StepActivity>(activity: A, value: StepValue<A>, id?: string): void;
  /** The one action of that type under way. */
  action<T extends Action['type']>(type: T): Extract<Action, { type: T }>;
  actions<T extends Action['type']>(type: T): Extract<Action, { type: T }>[];
  /** The model answers: strings are messages, the rest tool calls. */
  answer(...output: TestAnswer[]): void;
  events(): ThreadEvent[];
  types(): string[];
  /** The terminal events of a turn. */
  completions(turnId: string): Extract<ThreadEvent, { type: 'turn/completed' }>['turn'][];
  /** Continues with this state, as continue-as-new does. */
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
    for (const id of running.keys()) {
      if (ids.has(id)) continue;
      if (onlyWaits(id)) running.delete(id);
      else stopping.add(id);
    }
    for (const action of wanted) if (!running.has(action.id)) running.set(action.id, action);
  };

  const one = <T>([only, ...others]: T[], name: string): T => {
    if (only === undefined || others.length > 0)
      throw new Error(`one ${name} was expected among: ${[...running.keys()].join(', ')}`);
    return only;
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
    dispatch(machineInput) {
      thread.at += 1;
      if ('id' in machineInput && typeof machineInput.id === 'string' && machineInput.type !== 'messageRejected') {
        running.delete(machineInput.id);
        stopping.delete(machineInput.id);
      }
      state = reduce(state, { ...machineInput, at: thread.at, running: [...running.keys()] });
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
      return one(thread.actions(type), type);
    },
    steps<A extends StepActivity>(activity: A) {
      // The compiler cannot see that a step of this activity is one of this type.
      return thread.actions('step').filter((step) => step.activity === activity) as StepAction[] as StepAction<A>[];
    },
    step(activity) {
      return one(thread.steps(activity), activity);
    },
    input: (activity) => thread.step(activity).input,
    inputs: (activity) => thread.steps(activity).map(({ input }) => input),
    end(activity, end, id = thread.step(activity).id) {
      // The parameters belong together; the compiler cannot see that they still do in an object.
      thread.dispatch({ type: 'stepEnded', id, activity, end } as StepEnded);
    },
    done(activity, value, id) {
      thread.end(activity, { type: 'done', value }, id);
    },
    answer(...output) {
      thread.done('callModel', { type: 'answered', output: output.map(toOutput), usage: NO_USAGE });
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

function toOutput(output: TestAnswer): StepOutput {
  if (typeof output === 'string') return { type: 'message', text: output };
  const raw = typeof output.arguments === 'string' ? output.arguments : JSON.stringify(output.arguments);
  const { callId = `call_${calls++}`, name, leads } = output;
  return { type: 'toolCall', callId, name, arguments: raw, ...(leads === undefined ? {} : { leads }) };
}

export function exec(cmd: string, more: Record<string, unknown> = {}) {
  return { name: 'exec_command', arguments: { cmd, ...more } };
}

/** What differs in the report of a command that still runs. */
export const YIELDED = { outcome: 'yielded', exitCode: null, gone: false } as const;

export const EXITED: CommandReport = {
  outcome: 'exited',
  exitCode: 0,
  output: 'done\n',
  outputBytes: 5,
  truncated: false,
  durationMs: 12,
  gone: true,
};
