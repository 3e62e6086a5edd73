/** The files and lines that `docs/adding-a-tool.md` describes. */
import type { Insertion } from './changed-copy.ts';

const DEFINITION = `import { object } from './json-schema.ts';
import type { ToolDefinition } from './tool.ts';

export const ROLL_DICE: ToolDefinition<{ sides: number }> = {
  name: 'roll_dice',
  description: 'Rolls a die and returns the number on top.',
  parameters: object({ sides: { type: 'integer', minimum: 2, maximum: 1000 } }, ['sides']),
  offeredTo: 'threadsAndReviews',
  read: ({ sides }) =>
    typeof sides === 'number' && Number.isInteger(sides) && sides >= 2 && sides <= 1000
      ? { sides }
      : { invalid: 'roll_dice: \`sides\` must be a whole number from 2 to 1000.' },
};
`;

const ACTIVITY = `/** Rolls a die. Idempotent enough: the thread sees the number of one attempt. */
import { randomInt } from 'node:crypto';
import type { Ports } from '../ports.ts';
import { runStep } from '../step.ts';

export interface DiceStep {
  threadId: string;
  actionId: string;
  sides: number;
}

declare module '../contract.ts' {
  interface StepActivities {
    rollDice(step: DiceStep): Promise<{ top: number } | { type: 'aborted' }>;
  }
}

export async function rollDice(ports: Ports, input: DiceStep): Promise<{ top: number } | { type: 'aborted' }> {
  return runStep<object, { top: number }>({ ...ports, ...input }, {}, () =>
    Promise.resolve({ top: randomInt(1, input.sides + 1) }),
  );
}
`;

const TOOL = `/** \`roll_dice\`: never asked for, and in parallel with other calls that only read. */
import { ROLL_DICE } from '../../../src/contract/plain/tools/roll-dice.ts';
import { actionIds } from '../state/actions.ts';
import { addItem } from '../state/log.ts';
import { type StepEnd, retried, stepIds, toSummary } from '../state/steps.ts';
import { argumentsOf, withCall } from './call-list.ts';
import type { CallResult, Tool } from './tool.ts';

export const dice: Tool<{ sides: number }> = {
  definitions: [ROLL_DICE],
  record: (state, at, { item, call }) =>
    withCall(addItem(state, at, { ...item, type: 'dynamicToolCall' }), { ...call, readOnly: true }),
  actions(state, { turnId }, call) {
    const id = actionIds.tool(state.threadId, call.index);
    const { sides } = argumentsOf(state, call, [ROLL_DICE]);
    return [
      {
        type: 'step',
        id,
        turnId,
        activity: 'rollDice',
        input: { ...stepIds(state, id), sides },
        options: retried('60s'),
        summary: toSummary('roll', \`\${sides} sides\`),
      },
    ];
  },
  toResult: (event) => (event.activity === 'rollDice' ? toResult(event.end) : null),
};

function toResult(end: StepEnd<'rollDice'>): CallResult {
  switch (end.type) {
    case 'done':
      return { change: { status: 'completed', output: \`\${end.value.top} is on top.\` }, proven: true };
    case 'aborted':
      return { change: { status: 'aborted', output: 'aborted by user' }, proven: true };
    case 'failed':
      return { change: { status: 'failed', output: end.failure.message }, proven: true };
  }
}
`;

export const TOOL_FILES = {
  'src/contract/plain/tools/roll-dice.ts': DEFINITION,
  'activities/shell/roll-dice.ts': ACTIVITY,
  'workflows/thread/tools/dice.ts': TOOL,
};

export const TOOL_LINES: Insertion[] = [
  [
    'activities/tools.ts',
    'import { applyPatch }',
    "import { ROLL_DICE } from '../src/contract/plain/tools/roll-dice.ts';",
  ],
  ['activities/tools.ts', 'import { execCommand }', "import { rollDice } from './shell/roll-dice.ts';"],
  ['activities/tools.ts', '  ...AGENT_TOOLS,', '  ROLL_DICE,'],
  ['activities/tools.ts', '  viewImage,\n};', '  rollDice,'],
  ['workflows/thread/tools/index.ts', 'import { exec }', "import { dice } from './dice.ts';"],
  ['workflows/thread/tools/index.ts', '  exec,', '  dice,'],
];
