/** For tests of the machine: a thread with all its descendants, whose messages arrive in any order. */
import type { ApprovalDecision, StartThread, ThreadSettings } from '../../../src/contract/index.ts';
import { toCarryOver } from '../past/carry-over.ts';
import type { StepOutput } from '../../../activities/contract.ts';
import type { MachineInput } from '../state/inputs.ts';
import { decide, reduce } from '../machine/machine.ts';
import { DECISIONS } from '../../../src/contract/plain/decisions.ts';
import { NO_USAGE, type ThreadState, newThreadState } from '../state/state.ts';
import type { Step } from './ends.ts';
import { EXITED, SETTINGS } from './fixtures.ts';

export interface Tree {
  readonly threads: ReadonlyMap<string, Member>;
  /** The root is the first one. */
  readonly root: Member;
  /** Tokens of every answer that a model gave. */
  readonly tokens: number;
  /** Some message reached a closed thread, which may have sent its last report. */
  readonly late: boolean;
  /** The largest of them. */
  readonly largest: number;
  happen(member: Member, machineInput: MachineInput): void;
  /** Ends an action: a message arrives, a child starts, a model answers this. False if it cannot end yet. */
  end(member: Member, action: Step, output: StepOutput[], tokens: number): boolean;
  /** The thread continues as new, if only messages and timers are under way. */
  goOnAsNew(member: Member): void;
  answer(decision: ApprovalDecision): void;
  /** Every action under way in any thread, messages first. */
  underWay(): { member: Member; action: Step }[];
}

export interface Member {
  state: ThreadState;
  running: Map<string, Step>;
}

export function createTree(settings: Partial<ThreadSettings>): Tree {
  const threads = new Map<string, Member>();
  let at = 1_000;
  let tokens = 0;
  let largest = 0;
  let late = false;

  const add = (threadId: string, given: Partial<ThreadSettings>): Member => {
    const state = { ...newThreadState(threadId, { ...SETTINGS, ...given }, at), decisions: DECISIONS } as const;
    const member: Member = { state, running: new Map() };
    threads.set(threadId, member);
    tree.happen(member, { type: 'threadOpened', warnings: [] });
    return member;
  };

  const follow = (member: Member): void => {
    const wanted = decide(member.state, [...member.running.keys()]);
    const ids = new Set(wanted.map(({ id }) => id));
    for (const [id, { type }] of member.running) {
      if (!ids.has(id) && (type === 'awaitTime' || type === 'watchChild')) member.running.delete(id);
    }
    for (const action of wanted) {
      if (action.type === 'continueAsNew' || action.type === 'complete') continue;
      if (!member.running.has(action.id)) member.running.set(action.id, action);
    }
  };

  const toEnd = (member: Member, action: Step, output: StepOutput[], used: number): MachineInput | null => {
    const { id } = action;
    switch (action.type) {
      case 'step': {
        if (action.activity === 'execCommand')
          return { type: 'stepEnded', id, activity: 'execCommand', end: { type: 'done', value: EXITED } };
        if (action.activity === 'cleanWorkspace')
          return {
            type: 'stepEnded',
            id,
            activity: 'cleanWorkspace',
            end: { type: 'done', value: { ended: 0, gone: true } },
          };
        if (action.activity === 'archiveSegment')
          return { type: 'stepEnded', id, activity: 'archiveSegment', end: { type: 'done', value: null } };
        if (action.activity !== 'callModel') throw new Error(`Nothing here ends a ${action.activity}`);
        tokens += used;
        late ||= member.state.status === 'closed';
        largest = Math.max(largest, used);
        const usage = { ...NO_USAGE, totalTokens: used };
        const value = { type: 'answered' as const, output, usage, costMicroUsd: used * 2 };
        return { type: 'stepEnded', id, activity: 'callModel', end: { type: 'done', value } };
      }
      case 'startChild':
        plant(action.start);
        return { type: 'childStarted', id, failure: null };
      case 'watchChild':
        return threads.get(action.threadId)?.state.status === 'closed'
          ? { type: 'childGone', id, threadId: action.threadId }
          : null;
      case 'sendMessage':
        return { type: 'messageSent', id, delivered: deliver(action) };
      case 'awaitTime':
        at = Math.max(at, action.at);
        return { type: 'timeCame', id, about: action.about };
      case 'relocate':
        return null;
    }
  };

  const plant = ({ threadId, budget, parent, firstTurn }: StartThread): void => {
    const child = add(threadId, { ...settings, budget: budget ?? {}, parent: parent ?? null });
    if (firstTurn !== undefined) tree.happen(child, { type: 'turnSubmitted', turn: firstTurn });
  };

  const deliver = ({ to, message }: Extract<Step, { type: 'sendMessage' }>): boolean => {
    const target = threads.get(to);
    if (target === undefined || target.state.status === 'closed') return false;
    tree.happen(target, toHappening(message));
    return true;
  };

  const tree: Tree = {
    threads,
    get root() {
      const [first] = threads.values();
      if (first === undefined) throw new Error('The tree has no root');
      return first;
    },
    get tokens() {
      return tokens;
    },
    get late() {
      return late;
    },
    get largest() {
      return largest;
    },
    happen(member, machineInput) {
      at += 1;
      member.state = reduce(member.state, { ...machineInput, at, running: [...member.running.keys()] });
      follow(member);
    },
    end(member, action, output, used) {
      member.running.delete(action.id);
      const machineInput = toEnd(member, action, output, used);
      if (machineInput === null) member.running.set(action.id, action);
      else tree.happen(member, machineInput);
      return machineInput !== null;
    },
    goOnAsNew(member) {
      const steps = [...member.running.values()].filter(({ type }) => type !== 'awaitTime' && type !== 'watchChild');
      if (steps.length > 0) return;
      member.state = JSON.parse(JSON.stringify(toCarryOver(member.state).carriedOver)) as ThreadState;
      member.running.clear();
      tree.happen(member, { type: 'runContinued' });
    },
    answer(decision) {
      const open = tree.root.state.requests.find(({ origin }) => origin?.answered !== true);
      if (open === undefined) return;
      const answer = { requestId: open.requestId, decision };
      tree.happen(tree.root, { type: 'requestAnswered', answer, by: 'person' });
    },
    underWay() {
      const all = [...threads.values()].flatMap((member) =>
        [...member.running.values()].map((action) => ({ member, action })),
      );
      const rank = ({ action }: { action: Step }) =>
        ['sendMessage', 'startChild', 'step', 'watchChild', 'awaitTime'].indexOf(action.type);
      return all.sort((a, b) => rank(a) - rank(b));
    },
  };
  add('root', settings);
  return tree;
}

type Message = Extract<Step, { type: 'sendMessage' }>['message'];

function toHappening(message: Message): MachineInput {
  switch (message.signal) {
    case 'subThreadReport':
      return { type: 'subThreadReported', message: message.payload };
    case 'agentMessage':
      return { type: 'agentMessageReceived', message: message.payload };
    case 'submitTurn':
      return { type: 'turnSubmitted', turn: message.payload };
    case 'interruptTurn':
      return { type: 'interruptRequested', interrupt: message.payload };
    case 'resolveRequest':
      return { type: 'requestAnswered', answer: message.payload, by: 'person' };
    case 'treeBudget':
      return { type: 'treeBudgetTold', budget: message.payload };
    case 'closeThread':
      return { type: 'closeRequested', close: message.payload };
  }
}
