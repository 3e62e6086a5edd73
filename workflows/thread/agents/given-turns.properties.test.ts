/** A tree in which people write to agents as well: each thread knows when the work that it gave has ended. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { StepOutput } from '../../../activities/contract.ts';
import { isGivenTurn } from '../../../src/contract/plain/given-turns.ts';
import type { ThreadState } from '../state/state.ts';
import { type Member, type Tree, createTree } from '../testing/forest.ts';
import { FEW_PLAYS, text } from '../testing/fixtures.ts';
import { isAtWork, openAgents } from './sub-threads.ts';

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
  follow: () => call('followup_task', { target: 'helper', message: 'and that' }),
  long: () => call('followup_task', { target: 'helper', message: 'x'.repeat(60_000) }),
};

type Play =
  | { do: 'end'; pick: number; output: (keyof typeof OUTPUTS)[] }
  | { do: 'submit'; pick: number; onBusy: 'replace' | 'queue'; chars: number }
  | { do: 'shell'; pick: number }
  | { do: 'interrupt'; pick: number; tree: boolean }
  | { do: 'drop'; pick: number };

const pick = fc.nat(1_000);
const plays: fc.Arbitrary<Play> = fc.oneof(
  {
    weight: 16,
    arbitrary: fc.record({
      do: fc.constant('end'),
      pick,
      output: fc.array(fc.constantFrom('say', 'spawn', 'spawn', 'wait', 'follow', 'follow', 'long'), { maxLength: 3 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('submit'),
      pick,
      onBusy: fc.constantFrom('replace', 'queue'),
      chars: fc.constantFrom(2, 200_000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('shell'), pick }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('interrupt'), pick, tree: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('drop'), pick }) },
);

const among = <T>(all: readonly T[], number: number): T | undefined => all[number % Math.max(1, all.length)];

function perform(tree: Tree, play: Play, index: number): void {
  if (play.do === 'end') {
    const one = among(tree.underWay(), play.pick);
    const output = play.output.map((name) => OUTPUTS[name]());
    if (one !== undefined) tree.end(one.member, one.action, output, 1);
    return;
  }
  const member = among([...tree.threads.values()], play.pick);
  if (member === undefined || member.state.status === 'closed') return;
  const turnId = `mine-${index}`;
  switch (play.do) {
    case 'submit': {
      const turn = { turnId, kind: 'regular' as const, input: text('x'.repeat(play.chars)), onBusy: play.onBusy };
      tree.happen(member, { type: 'turnSubmitted', turn });
      return;
    }
    case 'shell': {
      tree.happen(member, {
        type: 'turnSubmitted',
        turn: { turnId, kind: 'user_shell', input: text('git status') },
      });
      return;
    }
    case 'interrupt': {
      tree.happen(member, { type: 'interruptRequested', interrupt: play.tree ? { tree: true } : {} });
      return;
    }
    case 'drop': {
      const queued = among(member.state.queue, play.pick);
      if (queued === undefined) return;
      tree.happen(member, { type: 'queueEdited', edit: { op: 'drop', turnId: queued.turnId } });
      return;
    }
  }
}

/** Timers come last. @param look is called after each end */
function comeToRest(tree: Tree, look: () => void): void {
  for (let steps = 0; steps < 3_000; steps++) {
    if (!tree.underWay().some(({ member, action }) => tree.end(member, action, [OUTPUTS.say()], 1))) return;
    look();
  }
  throw new Error('It never comes to rest');
}

/** Turns of a thread that have not ended, and that count as work which its parent gave. */
function givenTurns({ active, queue, standIns = [] }: ThreadState): string[] {
  const turns = [...(active === null ? [] : [active]), ...queue].map(({ turnId }) => turnId);
  return turns.filter((turnId) => isGivenTurn(turnId) || standIns.some((one) => one.turnId === turnId));
}

const ends = ({ state }: Member) =>
  state.log.events.flatMap((event) => (event.type === 'turn/completed' ? [event.turn] : []));

/** A turn that was stopped with proof has left no agent at the work that it gave. */
function assertProof(tree: Tree, seen: Map<Member, number>): boolean {
  let isStopped = false;
  for (const member of tree.threads.values()) {
    const all = ends(member);
    const stopped = all
      .slice(seen.get(member) ?? 0)
      .filter((turn) => turn.status === 'aborted' && turn.quiescent && turn.startedAt !== null)
      .filter((turn) => turn.kind === 'regular' && turn.status === 'aborted' && turn.reason !== 'replaced');
    seen.set(member, all.length);
    if (stopped.length === 0) continue;
    for (const { threadId } of openAgents(member.state)) {
      const child = tree.threads.get(threadId);
      if (child !== undefined) expect(givenTurns(child.state)).toEqual([]);
      isStopped = true;
    }
  }
  return isStopped;
}

describe('a tree in which people write to agents', () => {
  it('knows of every agent whether it is at the work that it was given', () => {
    const seen = { stopped: 0, replaced: 0, refused: 0, foreign: 0 };
    fc.assert(
      fc.property(fc.array(plays, { maxLength: 100, size: 'max' }), fc.boolean(), (sequence, stops) => {
        const tree = createTree({ approvalPolicy: 'never' });
        const { root } = tree;
        const turn = { turnId: 'first', kind: 'regular' as const, input: text('go') };
        tree.happen(root, { type: 'turnSubmitted', turn });
        const ended = new Map<Member, number>();
        const look = () => {
          if (assertProof(tree, ended)) seen.stopped += 1;
        };
        sequence.forEach((play, index) => {
          perform(tree, play, index);
          look();
          for (const { state } of tree.threads.values()) seen.replaced += state.standIns?.length ?? 0;
        });
        if (stops) tree.happen(root, { type: 'interruptRequested', interrupt: { tree: true } });
        comeToRest(tree, look);
        for (const member of tree.threads.values()) {
          // A closed thread ignores its agents.
          if (member.state.status === 'closed') continue;
          expect(member.state.children.filter(isAtWork)).toEqual([]);
          expect(member.state.children.filter(({ openTurns }) => openTurns !== 0)).toEqual([]);
          expect(member.state).not.toHaveProperty('standIns');
          if (member === root) continue;
          seen.refused += member.state.counters.rejectedMessages;
          seen.foreign += ends(member).filter(({ turnId }) => !isGivenTurn(turnId)).length;
        }
      }),
      { numRuns: FEW_PLAYS ?? 200 },
    );
    if (FEW_PLAYS !== null) return;
    // A quarter of what is usual.
    expect(seen.stopped).toBeGreaterThan(30);
    expect(seen.replaced).toBeGreaterThan(200);
    expect(seen.refused).toBeGreaterThan(12);
    expect(seen.foreign).toBeGreaterThan(120);
  });
});
