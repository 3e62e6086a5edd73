/** `apply_patch`: a patch of the model. */
import type { FileUpdateChange } from '../../../src/contract/index.ts';
import { APPLY_PATCH } from '../../../src/contract/plain/tools/apply-patch.ts';
import { assessPatch, pathsOfPatch, sandboxForPatch, toAbsolute } from '../approvals/policy.ts';
import { actionIds } from '../state/actions.ts';
import { addItem, itemAt } from '../state/log.ts';
import { type ThreadState, type ToolCall, decidesAnew, namesPaths } from '../state/state.ts';
import { type StepEnd, retried, toSummary, workspaceIds } from '../state/steps.ts';
import { type NewRequest, toExcerpt } from '../turns/requests.ts';
import { withCall } from './call-list.ts';
import type { Tool } from './tool.ts';

export const patch: Tool<{ patch: string }> = {
  definitions: [APPLY_PATCH],
  inFolder: true,

  record(state, at, { item, call, output: { leads } }, args) {
    const added = addItem(state, at, { ...item, type: 'fileChange', patch: args.patch, changes: [] });
    return withCall(added, { ...call, ...(leads === undefined ? {} : { leads }) });
  },

  approve(state, call) {
    const paths = reachedPaths(state, call);
    return {
      verdict: assessPatch(paths, toWritable(state)),
      match: { type: 'fileChange', paths, sandbox: state.settings.sandbox },
      toRequest: (reason) => toRequest(state, call, reason),
    };
  },

  /** The patch itself is read from its item. */
  actions(state, { turnId }, call) {
    const { index, cwd, leads } = call;
    const id = actionIds.tool(state.threadId, index);
    const sandbox = sandboxForPatch(toWritable(state), reachedPaths(state, call));
    const place = { index, cwd, sandbox, ...(leads === undefined ? {} : { leads }) };
    return [
      {
        type: 'step',
        id,
        turnId,
        activity: 'applyPatch',
        input: { ...workspaceIds(state, id), ...place },
        options: retried('5m'),
        summary: toSummary('patch', namesPaths(state) ? pathsOfPatch(textOf(state, call)).join(', ') : ''),
        onWorkspace: true,
      },
    ];
  },

  toResult: (event) => (event.activity === 'applyPatch' ? toPatchResult(event.end) : null),
};

function toRequest(state: ThreadState, call: ToolCall, reason: string): NewRequest {
  const { leads } = call;
  const text = textOf(state, call);
  return {
    type: 'fileChange',
    paths: absolutePaths(text, call.cwd),
    ...(leads === undefined ? {} : { leads }),
    patch: toExcerpt(text),
    sandbox: sandboxForPatch(toWritable(state), reachedPaths(state, call)),
    workspace: state.settings.cwd,
    reason,
  };
}

/** The paths that patches may write without asking. */
function toWritable(state: ThreadState) {
  return { ...state.settings, tmp: !decidesAnew(state) };
}

function textOf(state: ThreadState, { index }: ToolCall): string {
  const item = itemAt(state.log, index);
  return item.type === 'fileChange' ? item.patch : '';
}

/** The paths that a patch names, and where they lead. */
function reachedPaths(state: ThreadState, call: ToolCall): string[] {
  const { cwd, leads = [] } = call;
  return [...new Set([...absolutePaths(textOf(state, call), cwd), ...leads.map(({ to }) => to)])];
}

function absolutePaths(text: string, cwd: string): string[] {
  return [...new Set(pathsOfPatch(text).map((path) => toAbsolute(path, cwd)))];
}

function toPatchResult(end: StepEnd<'applyPatch'>) {
  switch (end.type) {
    case 'done': {
      const { changes } = end.value;
      const head = changes.every(({ unchanged }) => unchanged) ? 'Nothing was changed.' : 'Done.';
      const output = `${head}\n${changes.map(describe).join('\n')}`;
      return { change: { status: 'completed' as const, changes, output }, proven: true };
    }
    case 'aborted':
      return {
        change: { status: 'aborted' as const, output: 'aborted by user; it may have been applied in part' },
        proven: true,
      };
    case 'failed':
      return { change: { status: 'failed' as const, output: end.failure.message }, proven: true };
  }
}

function describe({ kind, path, linesAdded, linesRemoved, unchanged }: FileUpdateChange): string {
  const note = unchanged ? ': nothing was written, it is like that already' : '';
  return `${kind} ${path} (+${linesAdded} -${linesRemoved})${note}`;
}
