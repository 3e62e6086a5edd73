/** The files and lines that `docs/adding-a-task-kind.md` describes. */
import type { Insertion } from './changed-copy.ts';

const KIND = `/** \`count_lines\`: how many lines a file of the workspace has. */
import { toInputText } from '../../../src/contract/plain/images/image-types.ts';
import { beginActive, endTurn, failTurn, findTurn, onStepStopped, toTurnError, withTurn } from '../turns/turns.ts';
import type { TurnBase } from '../state/state.ts';
import { retried, stepIds, toSummary } from '../state/steps.ts';
import type { TaskKind } from './task.ts';

export type CountTurn = TurnBase & { kind: 'count_lines'; file: string };

declare module '../state/state.ts' {
  interface Turns {
    count_lines: CountTurn;
  }
}

export const countLines: TaskKind<CountTurn> = {
  kind: 'count_lines',
  begin: (state, at, turn) => beginActive(state, at, turn, { kind: 'count_lines', file: toInputText(turn.input) }),
  advance: (state) => state,
  desiredActions: (state, { turnId, file }) => {
    const id = \`count/\${turnId}\`;
    return [
      {
        type: 'step',
        id,
        turnId,
        activity: 'countLines',
        input: { ...stepIds(state, id), cwd: state.settings.cwd, file },
        options: retried('5m'),
        summary: toSummary('count', file),
      },
    ];
  },
  onEvent(state, turn, event) {
    if (event.type !== 'stepEnded' || event.activity !== 'countLines') return state;
    if (turn.aborting !== null) return onStepStopped(state, turn, event.id, true);
    const { end, at } = event;
    if (end.type !== 'done') return failTurn(state, at, turn, toTurnError(end, 'The count was stopped by nobody in this thread.'));
    const { lines } = end.value;
    const told = withTurn(state, { ...turn, lastAgentMessage: \`\${lines} lines\` });
    return endTurn(told, at, findTurn(told, turn.turnId) ?? turn, { status: 'completed' });
  },
};
`;

const ACTIVITY = `/** Counts the lines of a file. Twice is once: it only reads. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Ports } from './ports.ts';
import { runStep } from './step.ts';

export interface CountStep {
  threadId: string;
  actionId: string;
  cwd: string;
  file: string;
}

export async function countLines(ports: Ports, input: CountStep): Promise<{ lines: number } | { type: 'aborted' }> {
  return runStep<object, { lines: number }>({ ...ports, ...input }, {}, async ({ signal }) => {
    const text = await readFile(join(input.cwd, input.file), { encoding: 'utf8', signal });
    return { lines: text.split('\\n').length - 1 };
  });
}
`;

export const KIND_FILES = { 'workflows/thread/tasks/count-lines.ts': KIND, 'activities/count-lines.ts': ACTIVITY };

export const KIND_LINES: Insertion[] = [
  [
    'src/contract/plain/turn-kinds.ts',
    '  ghost_snapshot: { takesInput: false },',
    '  count_lines: { takesInput: true },',
  ],
  [
    'activities/contract.ts',
    '  undoFiles(step: UndoStep)',
    "  countLines(step: import('./count-lines.ts').CountStep): Promise<{ lines: number } | { type: 'aborted' }>;",
  ],
  ['activities/index.ts', '    undoFiles: (step)', '    countLines: (step) => countLines(ports, step),'],
  [
    'activities/index.ts',
    "import { undoFiles } from './git/undo-files.ts';",
    "import { countLines } from './count-lines.ts';",
  ],
  ['workflows/thread/tasks/index.ts', '  ghost_snapshot: ghostSnapshot,', '  count_lines: countLines,'],
  [
    'workflows/thread/tasks/index.ts',
    "import { undo } from './undo.ts';",
    "import { countLines } from './count-lines.ts';",
  ],
];
