/** One turn of every kind, for the kill test at each boundary. */
import type { Item, TurnSubmission } from '../../src/contract/index.ts';
import type { KindEvidence, KindScenario } from './kinds.ts';

const say = (text: string) => [{ type: 'text' as const, text }];
const regular = (turnId: string, text: string): TurnSubmission => ({ turnId, kind: 'regular', input: say(text) });

function itemsOf<T extends Item['type']>({ items }: KindEvidence, type: T): Extract<Item, { type: T }>[] {
  return items.filter((item): item is Extract<Item, { type: T }> => item.type === type);
}

/** A line is there once where its command ended well, and at most once where its worker was lost. */
function once(evidence: KindEvidence, file: string, line: string): string[] {
  const count = evidence.lines(file).filter((one) => one === line).length;
  const command = itemsOf(evidence, 'commandExecution').find((item) => item.command.includes(line));
  if (count > 1) return [`${line} was written ${count} times`];
  if (count === 1 || command?.status === 'lost') return [];
  return [`${line} is missing, and its command is ${command?.status ?? 'not there'}`];
}

function exactly(what: string, found: number, wanted: number): string[] {
  return found === wanted ? [] : [`there are ${found} of ${what}, not ${wanted}`];
}

const PATCH = '*** Begin Patch\n*** Add File: patched.txt\n+patched\n*** End Patch';

export const KIND_SCENARIOS: KindScenario[] = [
  {
    name: 'regular',
    before: [],
    turn: regular('it', `run: echo one >> log\nrun: echo two >> log\npatch: ${PATCH}`),
    check: (evidence) => [
      ...once(evidence, 'log', 'one'),
      ...once(evidence, 'log', 'two'),
      ...exactly('lines of the patch', evidence.lines('patched.txt').length, 1),
    ],
  },
  {
    name: 'user_shell',
    before: [],
    turn: { turnId: 'it', kind: 'user_shell', input: say('echo mine >> log') },
    check: (evidence) => once(evidence, 'log', 'mine'),
  },
  {
    name: 'compact',
    before: [regular('first', 'say: a word'), regular('second', 'say: another word')],
    turn: { turnId: 'it', kind: 'compact' },
    check: (evidence) => exactly('compactions', itemsOf(evidence, 'contextCompaction').length, 1),
  },
  {
    name: 'review',
    before: [regular('deed', 'run: echo "// TODO" > made.ts')],
    turn: { turnId: 'it', kind: 'review', review: { target: { type: 'uncommittedChanges' } } },
    check: (evidence) => {
      const left = itemsOf(evidence, 'exitedReviewMode');
      // A command of the review may be lost with its worker; it then says that it could not look.
      const found = left[0]?.reviewOutput?.findings.length ?? 0;
      return [
        ...exactly('reviews entered', itemsOf(evidence, 'enteredReviewMode').length, 1),
        ...exactly('reviews left', left.length, 1),
        ...(evidence.end.status === 'completed' && left[0]?.reviewOutput !== null ? [] : ['the review has no result']),
        ...(found <= 1 ? [] : [`one thing was found ${found} times`]),
      ];
    },
  },
  {
    name: 'ghost_snapshot',
    before: [],
    turn: { turnId: 'it', kind: 'ghost_snapshot' },
    check: (evidence) => exactly('snapshots', itemsOf(evidence, 'ghostSnapshot').length, 1),
  },
  {
    name: 'undo',
    before: [regular('deed', 'run: echo deed > made.txt; echo deed > kept.txt')],
    turn: { turnId: 'it', kind: 'undo' },
    check: (evidence) => [
      ...exactly('lines of what the turn made', evidence.lines('made.txt').length, 0),
      ...(evidence.lines('kept.txt').join() === 'kept' ? [] : ['the file that the turn changed is not what it was']),
      ...exactly('turns dropped', itemsOf(evidence, 'turnsDropped').length, 1),
    ],
  },
  {
    name: 'agent',
    before: [],
    turn: regular('it', 'spawn: run: echo deed >> log\ncall: wait_agent {"timeout_ms": 60000}'),
    check: (evidence) => [
      ...exactly('lines of the agent', evidence.lines('log').filter((line) => line !== 'deed').length, 0),
      ...(evidence.lines('log').length > 1 ? ['the agent did its task twice'] : []),
      ...exactly(
        'spawns',
        itemsOf(evidence, 'collabAgentToolCall').filter(({ tool }) => tool === 'spawn_agent').length,
        1,
      ),
    ],
  },
];
