/** `view_image`: the model looks at an image file that its commands could read, so nobody is asked. */
import { VIEW_IMAGE } from '../../../src/contract/plain/tools/view-image.ts';
import { actionIds } from '../state/actions.ts';
import { addItem, itemAt } from '../state/log.ts';
import { type StepEnd, retried, toSummary, workspaceIds } from '../state/steps.ts';
import { withCall } from './call-list.ts';
import type { CallResult, Tool } from './tool.ts';

export const viewImage: Tool<{ path: string }> = {
  definitions: [VIEW_IMAGE],

  record: (state, at, { item, call }, { path }) =>
    withCall(addItem(state, at, { ...item, type: 'imageView', path }), { ...call, readOnly: true }),

  actions(state, { turnId }, { index }) {
    const item = itemAt(state.log, index);
    const path = item.type === 'imageView' ? item.path : '';
    const id = actionIds.tool(state.threadId, index);
    const { cwd, sandbox } = state.settings;
    return [
      {
        type: 'step',
        id,
        turnId,
        activity: 'viewImage',
        input: { ...workspaceIds(state, id), path, cwd, sandbox },
        options: retried('2m'),
        summary: toSummary('image', path),
        onWorkspace: true,
      },
    ];
  },

  toResult: (event) => (event.activity === 'viewImage' ? toViewResult(event.end) : null),
};

function toViewResult(end: StepEnd<'viewImage'>): CallResult {
  switch (end.type) {
    case 'done':
      return end.value.type === 'viewed'
        ? { change: { status: 'completed', output: end.value.output, images: [end.value.image] }, proven: true }
        : { change: { status: 'failed', output: end.value.reason }, proven: true };
    case 'aborted':
      return { change: { status: 'aborted', output: 'aborted by user' }, proven: true };
    case 'failed':
      return { change: { status: 'failed', output: end.failure.message }, proven: true };
  }
}
