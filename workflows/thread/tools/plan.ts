/** `update_plan`: shows the plan, and nothing else. */
import { UPDATE_PLAN } from '../../../src/contract/plain/tools/update-plan.ts';
import type { PlanStep } from '../../../src/contract/index.ts';
import { addItem, emit } from '../state/log.ts';
import type { Tool } from './tool.ts';

export const plan: Tool<{ plan: PlanStep[]; explanation: string }> = {
  definitions: [UPDATE_PLAN],
  record(state, at, { item }, { plan: steps, explanation }) {
    const { turnId } = item;
    const told = emit(state, at, { type: 'turn/plan/updated', turnId, explanation, plan: steps });
    const done = { ...item, status: 'completed' as const, output: 'Plan updated' };
    return addItem(told, at, { ...done, type: 'plan', plan: steps, explanation });
  },
  actions: () => [],
  toResult: () => null,
};
