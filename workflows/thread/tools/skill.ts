/** `read_skill`: what the person has chosen for the model to read, so nobody is asked. */
import { READ_SKILL } from '../../../src/contract/plain/tools/read-skill.ts';
import { actionIds } from '../state/actions.ts';
import { addItem } from '../state/log.ts';
import { type StepEnd, retried, toSummary, workspaceIds } from '../state/steps.ts';
import { argumentsOf, withCall } from './call-list.ts';
import type { CallResult, Tool } from './tool.ts';

export const skill: Tool<{ name: string; path: string | null }> = {
  definitions: [READ_SKILL],

  record: (state, at, { item, call }) =>
    withCall(addItem(state, at, { ...item, type: 'dynamicToolCall' }), { ...call, readOnly: true }),

  actions(state, { turnId }, call) {
    const { name, path } = argumentsOf(state, call, [READ_SKILL]);
    const id = actionIds.tool(state.threadId, call.index);
    return [
      {
        type: 'step',
        id,
        turnId,
        activity: 'readSkill',
        input: { ...workspaceIds(state, id), name, path, cwd: state.settings.cwd },
        options: retried('2m'),
        summary: toSummary('skill', path === null ? name : `${name} ${path}`),
        onWorkspace: true,
      },
    ];
  },

  toResult: (event) => (event.activity === 'readSkill' ? toReadResult(event.end) : null),
};

function toReadResult(end: StepEnd<'readSkill'>): CallResult {
  switch (end.type) {
    case 'done':
      return end.value.type === 'read'
        ? { change: { status: 'completed', output: end.value.output }, proven: true }
        : { change: { status: 'failed', output: end.value.reason }, proven: true };
    case 'aborted':
      return { change: { status: 'aborted', output: 'aborted by user' }, proven: true };
    case 'failed':
      return { change: { status: 'failed', output: end.failure.message }, proven: true };
  }
}
