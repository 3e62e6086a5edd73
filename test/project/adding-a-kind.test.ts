/** What `docs/adding-a-task-kind.md` says, done to a copy of the sources: the copy compiles, and serves turns of the kind. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startWorkerChild, type WorkerChild } from '../kill/worker-child.ts';
import { type Stand, openStand, waitForEvent } from '../stand.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const KIND = `/** \`count_lines\`: how many lines a file of the workspace has. */
import { inputText, beginActive, endTurn, failTurn, findTurn, quieten, toTurnError, withTurn } from '../turns/turns.ts';
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
  begin: (state, at, turn) => beginActive(state, at, turn, { kind: 'count_lines', file: inputText(turn.input) }),
  settle: (state) => state,
  wants: (state, { turnId, file }) => {
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
  take(state, turn, event) {
    if (event.type !== 'stepEnded' || event.activity !== 'countLines') return state;
    if (turn.aborting !== null) return quieten(state, turn, event.id, true);
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

/** Lines that are put in front of another one, which must be there once. */
const LINES: [file: string, before: string, line: string][] = [
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

let copy: string;
let stand: Stand;
let worker: WorkerChild;
beforeAll(async () => {
  copy = mkdtempSync(join(tmpdir(), 'bobbin-kind-'));
  for (const part of ['activities', 'src', 'workflows', 'package.json', 'tsconfig.json'])
    cpSync(join(ROOT, part), join(copy, part), { recursive: true, filter: (path) => !path.endsWith('.test.ts') });
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  writeFileSync(join(copy, 'workflows/thread/tasks/count-lines.ts'), KIND);
  writeFileSync(join(copy, 'activities/count-lines.ts'), ACTIVITY);
  for (const [file, before, line] of LINES) addLine(join(copy, file), before, line);
  execFileSync(process.execPath, [join(copy, 'src/contract/generate-wire.ts')]);
  stand = await openStand({ worker: false });
  worker = await startWorkerChild(stand.env, join(copy, 'worker.log'), join(copy, 'src/worker/main.ts'));
}, 60_000);
afterAll(async () => {
  await worker.kill();
  await stand.close();
  rmSync(copy, { recursive: true, force: true });
});

function addLine(path: string, before: string, line: string): void {
  const parts = readFileSync(path, 'utf8').split(before);
  expect(parts, `${before} in ${path}`).toHaveLength(2);
  writeFileSync(path, parts.join(`${line}\n${before}`));
}

test('the copy compiles', () => {
  const include = ['workflows', 'activities', 'src'];
  const config = { extends: './tsconfig.json', compilerOptions: { noEmit: true, incremental: false }, include };
  writeFileSync(join(copy, 'tsconfig.kind.json'), JSON.stringify(config));
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  const { stdout, status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.kind.json'], {
    cwd: copy,
    encoding: 'utf8',
  });
  expect({ stdout, status }).toEqual({ stdout: '', status: 0 });
});

test('a turn of the kind runs, and one without words is refused', async () => {
  const thread = await stand.start();
  const { workflow } = stand.bobbin.service.client;
  const raw = workflow.getHandle(thread.workflowId);
  const input = [{ type: 'text', text: 'README.md' }];
  await raw.signal('submitTurn', { turnId: 'count', kind: 'count_lines', input });
  expect(await thread.completion('count')).toMatchObject({ status: 'completed', lastAgentMessage: '1 lines' });
  await raw.signal('submitTurn', { turnId: 'wordless', kind: 'count_lines' });
  expect(await waitForEvent(thread, 'message/rejected')).toMatchObject({ code: 'malformed', id: 'wordless' });
});
