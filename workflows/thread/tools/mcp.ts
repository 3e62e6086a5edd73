/** Tools of MCP servers, and of the operator's own code in the worker. */
import type { ImageRef, Item, StepStatus } from '../../../src/contract/index.ts';
import type { Fields } from '../../../src/contract/plain/tools/tool.ts';
import { assessMcpCall } from '../approvals/policy.ts';
import { actionIds } from '../state/actions.ts';
import { addItem, itemAt } from '../state/log.ts';
import type { ThreadState, ToolCall } from '../state/state.ts';
import { INLINE_CHARS, type StepEnd, once, retried, stepIds, toSummary } from '../state/steps.ts';
import { toExcerpt } from '../turns/requests.ts';
import { withCall } from './call-list.ts';
import type { Tool } from './tool.ts';

/** The longest time limit that a server's configuration may set, and a minute. */
const TIMEOUT = '61m';

/** Tools of MCP servers. The servers define them, so there are no definitions here. */
export const mcp: Tool<{ arguments: Fields }> = {
  definitions: [],

  record(state, at, { item, call, output: { mcp: route } }, { arguments: given }) {
    if (route === undefined) throw new Error(`Call ${item.callId} names no server`);
    const { server, tool, readOnly, approval } = route;
    const named = { ...item, type: 'mcpToolCall' as const, server, tool };
    const added = addItem(state, at, { ...named, arguments: given, durationMs: null });
    return withCall(added, { ...call, readOnly, approval });
  },

  approve(state, call) {
    const { server, tool, arguments: given } = itemOf(state, call);
    const { readOnly, approval = 'always' } = call;
    const excerpt = () => toExcerpt(JSON.stringify(given, null, 2));
    return {
      verdict: assessMcpCall({ server, tool, readOnly, approval }, state.settings),
      match: { type: 'mcpToolCall', server, tool, sandbox: state.settings.sandbox },
      toRequest: (reason) => ({ type: 'mcpToolCall', server, tool, arguments: excerpt(), readOnly, reason }),
    };
  },

  actions(state, { turnId }, call) {
    const { index, readOnly } = call;
    const { server, tool, arguments: given } = itemOf(state, call);
    const id = actionIds.tool(state.threadId, index);
    const inline = JSON.stringify(given).length <= INLINE_CHARS ? given : null;
    return [
      {
        type: 'step',
        id,
        turnId,
        activity: 'callMcpTool',
        input: { ...stepIds(state, id), index, server, tool, arguments: inline },
        // A call is repeated only if the server says that it changes nothing.
        options: readOnly ? retried(TIMEOUT) : once(TIMEOUT),
        summary: toSummary('mcp', `${server} ${tool}`),
        onWorkspace: true,
        losable: true,
      },
    ];
  },

  toResult: (event) => (event.activity === 'callMcpTool' ? toMcpResult(event.end) : null),
};

function itemOf(state: ThreadState, { index }: ToolCall): Extract<Item, { type: 'mcpToolCall' }> {
  const item = itemAt(state.log, index);
  if (item.type !== 'mcpToolCall') throw new Error(`Item ${index} is no call of a tool of a server`);
  return item;
}

interface McpResult {
  change: { status: StepStatus; output: string; durationMs: number | null; images?: ImageRef[] };
  /** Whether it is certain that nothing of the call still runs on this side. */
  proven: boolean;
  forced?: 'left';
}

function toMcpResult(end: StepEnd<'callMcpTool'>): McpResult {
  switch (end.type) {
    case 'done': {
      const { outcome: status, output, durationMs, left, images } = end.value;
      return {
        change: { status, output, durationMs, ...(images === undefined ? {} : { images }) },
        proven: left !== true,
        ...(left === true ? { forced: 'left' } : {}),
      };
    }
    case 'aborted':
      return {
        change: ended('aborted', 'aborted by user; the tool was told to stop, and may have done part of it'),
        proven: true,
      };
    case 'lost':
      return { change: ended('lost', describeLoss(end.lastBeat.text ?? '')), proven: false };
    case 'failed':
      return { change: ended('failed', end.failure.message), proven: true };
  }
}

function ended(status: StepStatus, output: string): McpResult['change'] {
  return { status, output, durationMs: null };
}

function describeLoss(progress: string): string {
  const lost = 'The worker that made this call was lost. The server may have done all or part of it.';
  return progress === '' ? lost : `${lost} It said last: ${progress}`;
}
