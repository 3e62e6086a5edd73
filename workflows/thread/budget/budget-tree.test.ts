/** Budgets of a tree: the usage of every thread is counted once, and the limit of the tree stops all of them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { StepOutput } from '../../../activities/contract.ts';
import { treeSpent } from '../state/spending.ts';
import { type Tree, createTree } from '../testing/forest.ts';
import { FEW_PLAYS, text } from '../testing/fixtures.ts';

let calls = 0;
const call = (name: string, args: object): StepOutput => ({
  type: 'toolCall',
  callId: `call_${calls++}`,
  name,
  arguments: JSON.stringify(args),
});
const OUTPUTS = {
  say: (): StepOutput => ({ type: 'message', text: 'done' }),
  spawn: () => call('spawn_agent', { task_name: 'helper', message: 'do it' }),
  wait: () => call('wait_agent', { timeout_ms: 20_000 }),
  list: () => call('list_agents', {}),
  follow: () => call('followup_task', { target: 'helper', message: 'and that' }),
  close: () => call('close_agent', { target: 'helper' }),
};
type Output = keyof typeof OUTPUTS;

const submit = (tree: Tree, turnId: string) =>
  tree.happen(tree.root, { type: 'turnSubmitted', turn: { turnId, kind: 'regular', input: text('go') } });

/** Runs everything to its end, and gives this answer to each request of the root. */
function comeToRest(tree: Tree, decision: 'accept' | 'decline'): void {
  for (let steps = 0; steps < 3_000; steps++) {
    const ended = tree.underWay().find(({ member, action }) => tree.end(member, action, [OUTPUTS.say()], 1));
    if (ended !== undefined) continue;
    const asked = tree.root.state.requests.some(({ origin }) => origin?.answered !== true);
    if (!asked) return;
    tree.answer(decision);
  }
  throw new Error('It never comes to rest');
}

/** Usage below a closed thread, or of one after its close, may go unreported. */
const isTold = (tree: Tree) =>
  !tree.late && ![...tree.threads.values()].some(({ state }) => state.status === 'closed' && state.children.length > 0);

const turnsUnderWay = (tree: Tree) =>
  [...tree.threads.values()].flatMap(({ state }) => (state.active === null ? [] : [state.threadId]));

/** Delivers every message that is under way, and every message that follows from it. */
function deliverAll(tree: Tree): void {
  for (let messages = 0; ; messages++) {
    if (messages > 1_000) throw new Error('Messages never end');
    const message = tree.underWay().find(({ action }) => action.type === 'sendMessage');
    if (message === undefined) return;
    tree.end(message.member, message.action, [], 0);
  }
}

type Play =
  | { do: 'end'; pick: number; output: Output[]; tokens: number }
  | { do: 'answer'; accept: boolean }
  | { do: 'newRun'; pick: number }
  | { do: 'submit' };

const plays: fc.Arbitrary<Play> = fc.oneof(
  {
    weight: 20,
    arbitrary: fc.record({
      do: fc.constant('end'),
      pick: fc.nat(1_000),
      output: fc.array(fc.constantFrom('say', 'spawn', 'spawn', 'wait', 'list', 'follow', 'close'), { maxLength: 3 }),
      tokens: fc.integer({ min: 1, max: 20 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('answer'), accept: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('newRun'), pick: fc.nat(1_000) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('submit') }) },
);

function perform(tree: Tree, play: Play, index: number): void {
  switch (play.do) {
    case 'end': {
      const all = tree.underWay();
      const one = all[play.pick % Math.max(1, all.length)];
      if (one !== undefined)
        tree.end(
          one.member,
          one.action,
          play.output.map((name) => OUTPUTS[name]()),
          play.tokens,
        );
      return;
    }
    case 'answer':
      tree.answer(play.accept ? 'accept' : 'decline');
      return;
    case 'newRun': {
      const members = [...tree.threads.values()];
      const member = members[play.pick % members.length];
      if (member !== undefined) tree.goOnAsNew(member);
      return;
    }
    case 'submit':
      submit(tree, `more-${index}`);
  }
}

describe('a tree in whatever order its messages arrive', () => {
  const budget = fc.constantFrom({}, { tree: { tokens: 40 } }, { tree: { steps: 6 }, turn: { tokens: 30 } });
  const unattended = fc.constantFrom(null, null, { approvals: 'decline' as const });

  it('counts every answer of every thread once, and comes to rest with no turn left behind', () => {
    const seen = { threads: 0, asked: 0, waited: 0, exact: 0 };
    fc.assert(
      fc.property(
        budget,
        unattended,
        fc.array(plays, { maxLength: 120, size: 'max' }),
        fc.constantFrom('accept', 'decline'),
        (limits, watched, sequence, decision) => {
          const tree = createTree({ budget: limits, unattended: watched });
          submit(tree, 'first');
          sequence.forEach((play, index) => perform(tree, play, index));
          seen.waited += [...tree.threads.values()].filter(({ state }) => state.budget.waits).length;
          comeToRest(tree, decision);
          expect(turnsUnderWay(tree)).toEqual([]);
          const { state } = tree.root;
          const { tokens, costMicroUsd } = treeSpent(state, state.updatedAt);
          expect(costMicroUsd).toBe(tokens * 2);
          expect(tokens).toBeLessThanOrEqual(tree.tokens);
          if (isTold(tree)) expect(tokens).toBe(tree.tokens);
          seen.exact += isTold(tree) && tree.threads.size > 2 ? 1 : 0;
          seen.threads = Math.max(seen.threads, tree.threads.size);
          seen.asked += state.budget.requests;
        },
      ),
      { numRuns: FEW_PLAYS ?? 200 },
    );
    if (FEW_PLAYS !== null) return;
    // The property is meaningful only if agents had agents, the root asked, and threads below waited.
    expect(seen.threads).toBeGreaterThan(4);
    expect(seen.asked).toBeGreaterThan(20);
    expect(seen.waited).toBeGreaterThan(0);
    expect(seen.exact).toBeGreaterThan(20);
  });

  it('stops within two model steps of each thread where messages are quick and more is refused', () => {
    fc.assert(
      fc.property(fc.array(plays, { maxLength: 80, size: 'max' }), (sequence) => {
        const tree = createTree({ budget: { tree: { tokens: 40 } } });
        submit(tree, 'first');
        for (const [index, play] of sequence.entries()) {
          if (play.do === 'end' || play.do === 'newRun') perform(tree, play, index);
          deliverAll(tree);
        }
        comeToRest(tree, 'decline');
        // The step under way, and one that its part of the budget still allowed before the limit was reported.
        expect(tree.tokens).toBeLessThanOrEqual(40 + 2 * tree.threads.size * Math.max(1, tree.largest));
      }),
      { numRuns: FEW_PLAYS ?? 100 },
    );
  });
});

describe('the limit of a tree', () => {
  /** A root that waits for its agent, which has just used up the rest of the budget. */
  function usedUpByAgent(settings: Parameters<typeof createTree>[0] = {}) {
    const tree = createTree({ budget: { tree: { tokens: 30 } }, ...settings });
    submit(tree, 'a');
    step(tree, 'root', [OUTPUTS.spawn(), OUTPUTS.wait()], 10);
    const start = tree.underWay().find(({ action }) => action.type === 'startChild');
    if (start !== undefined) tree.end(start.member, start.action, [], 0);
    step(tree, 'root/1', [OUTPUTS.list()], 20);
    deliverAll(tree);
    return tree;
  }

  function step(tree: Tree, threadId: string, output: StepOutput[], tokens: number): void {
    const found = tree.underWay().find(({ member, action }) => {
      return member.state.threadId === threadId && action.type === 'step';
    });
    if (found === undefined) throw new Error(`${threadId} calls no model`);
    tree.end(found.member, found.action, output, tokens);
  }

  const callers = (tree: Tree) =>
    tree.underWay().flatMap(({ member, action }) => (action.type === 'step' ? [member.state.threadId] : []));
  const child = (tree: Tree) => tree.threads.get('root/1')!;

  it('gives a child what is left, and the limits of its turns', () => {
    const tree = usedUpByAgent({ budget: { turn: { steps: 9 }, thread: { steps: 50 }, tree: { tokens: 30 } } });
    expect(child(tree).state.settings.budget).toEqual({ turn: { steps: 9 }, tree: { tokens: 20 } });
  });

  it('is asked for at the root, once, while every thread below holds', () => {
    const tree = usedUpByAgent();
    expect(tree.root.state.requests).toMatchObject([
      { type: 'budget', scope: 'tree', limit: 'tokens', spent: 30, max: 30, grants: 30, origin: null, itemId: null },
    ]);
    expect(child(tree).state).toMatchObject({ requests: [], budget: { held: true } });
    expect(callers(tree)).toEqual([]);
  });

  it('lets every thread go on with the same amount again where that is accepted', () => {
    const tree = usedUpByAgent();
    tree.answer('accept');
    deliverAll(tree);
    expect(callers(tree)).toEqual(['root/1']);
    expect(child(tree).state.settings.budget.tree).toEqual({ tokens: 50 });
    expect(tree.root.state.budget.granted.tree.tokens).toBe(30);
  });

  it('aborts the turn of the root and interrupts the agents where that is declined', () => {
    const tree = usedUpByAgent();
    tree.answer('decline');
    deliverAll(tree);
    expect(turnsUnderWay(tree)).toEqual([]);
    expect(tree.root.state.turns).toMatchObject([{ turnId: 'a', status: 'aborted' }]);
    expect(child(tree).state.turns).toMatchObject([{ turnId: 'task', status: 'aborted' }]);
  });

  it('ends all of it at once where nobody watches', () => {
    const tree = usedUpByAgent({ unattended: { approvals: 'accept' } });
    deliverAll(tree);
    expect(turnsUnderWay(tree)).toEqual([]);
    expect(tree.root.state.budget.requests).toBe(0);
  });

  it('is asked for although the turn that started the agents is over', () => {
    const tree = createTree({ budget: { tree: { tokens: 30 } } });
    submit(tree, 'a');
    step(tree, 'root', [OUTPUTS.spawn()], 5);
    const start = tree.underWay().find(({ action }) => action.type === 'startChild');
    if (start !== undefined) tree.end(start.member, start.action, [], 0);
    step(tree, 'root', [OUTPUTS.say()], 5);
    expect(tree.root.state.active).toBeNull();
    step(tree, 'root/1', [OUTPUTS.list()], 20);
    deliverAll(tree);
    expect(tree.root.state.requests).toMatchObject([{ type: 'budget', scope: 'tree', turnId: 'a' }]);
    tree.answer('decline');
    deliverAll(tree);
    // The step that the agent had begun before the limit was reported.
    step(tree, 'root/1', [OUTPUTS.say()], 1);
    deliverAll(tree);
    expect(turnsUnderWay(tree)).toEqual([]);
    expect(tree.root.state.requests).toEqual([]);
  });

  it('is asked for by an agent that was stopped, went on with a turn of a person that waited, and stands before a call', () => {
    const tree = createTree({ budget: { turn: { tokens: 10 }, tree: { tokens: 30 } } });
    submit(tree, 'a');
    step(tree, 'root', [OUTPUTS.spawn()], 1);
    const start = tree.underWay().find(({ action }) => action.type === 'startChild');
    if (start !== undefined) tree.end(start.member, start.action, [], 0);
    step(tree, 'root', [OUTPUTS.list()], 9);
    const mine = { turnId: 'mine', kind: 'regular', input: text('and that'), onBusy: 'queue' } as const;
    tree.happen(child(tree), { type: 'turnSubmitted', turn: mine });
    deliverAll(tree);
    tree.answer('decline');
    deliverAll(tree);
    step(tree, 'root/1', [], 1);
    submit(tree, 'b');
    deliverAll(tree);
    step(tree, 'root', [OUTPUTS.say()], 19);
    deliverAll(tree);
    expect(child(tree).state).toMatchObject({ active: { turnId: 'mine' }, budget: { held: true, waits: false } });
    step(tree, 'root/1', [OUTPUTS.spawn()], 1);
    deliverAll(tree);
    expect(tree.root.state.requests).toMatchObject([{ type: 'budget', scope: 'tree' }]);
    tree.answer('accept');
    deliverAll(tree);
    expect(child(tree).state).toMatchObject({ active: { turnId: 'mine' }, budget: { held: false } });
    expect(tree.underWay().map(({ member, action }) => [member.state.threadId, action.type])).toContainEqual([
      'root/1',
      'startChild',
    ]);
  });

  it('refuses to start another agent where nothing is left', () => {
    const tree = createTree({ budget: { tree: { tokens: 10 } } });
    submit(tree, 'a');
    step(tree, 'root', [OUTPUTS.spawn()], 10);
    expect([...tree.threads.keys()]).toEqual(['root']);
    expect(tree.root.state.log.items.at(-1)).toMatchObject({ type: 'collabAgentToolCall', status: 'failed' });
  });

  it('is held by a thread that a turn is given to directly, which says so', () => {
    const tree = usedUpByAgent();
    tree.answer('decline');
    deliverAll(tree);
    tree.happen(child(tree), { type: 'turnSubmitted', turn: { turnId: 'x', kind: 'regular', input: text('go') } });
    deliverAll(tree);
    expect(callers(tree)).toEqual([]);
    expect(tree.root.state.requests).toMatchObject([{ type: 'budget', scope: 'tree' }]);
    tree.answer('accept');
    deliverAll(tree);
    expect(callers(tree)).toEqual(['root/1']);
  });
});
