import type { PlanStep } from '../../index.ts';
import { LIMITS } from '../limits.ts';
import { members, shortText } from './fields.ts';
import { object, text } from './json-schema.ts';
import type { ToolDefinition } from './tool.ts';

const MAX_STEPS = 100;

export const UPDATE_PLAN: ToolDefinition<{ plan: PlanStep[]; explanation: string }> = {
  name: 'update_plan',
  description: 'Shows the person the plan and how far it is. At most one step is in_progress.',
  parameters: object(
    {
      explanation: text('Why the plan changed.'),
      plan: {
        type: 'array',
        items: object(
          { step: text('A short line.'), status: { type: 'string', enum: ['pending', 'in_progress', 'completed'] } },
          ['step', 'status'],
        ),
      },
    },
    ['plan'],
  ),
  offeredTo: 'threadsAndReviews',
  read({ plan: steps, explanation }) {
    if (!Array.isArray(steps)) return { invalid: 'update_plan: `plan` must be a list of { step, status }.' };
    const plan = (steps as unknown[]).map(toStep);
    if (!plan.every((step) => step !== null))
      return { invalid: 'update_plan: each entry needs `step` and a `status` of pending, in_progress or completed.' };
    return { plan: plan.slice(0, MAX_STEPS), explanation: shortText(explanation) };
  },
};

function toStep(entry: unknown): PlanStep | null {
  const { step, status } = members(entry);
  const known = status === 'pending' || status === 'in_progress' || status === 'completed';
  return typeof step === 'string' && known ? { step: step.slice(0, LIMITS.shortChars), status } : null;
}
