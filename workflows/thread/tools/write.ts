/** `write_stdin`: looks at a command that was left running, after sending it something. */
import type { OpenSession } from '../../../activities/contract.ts';
import { toTypedInput } from '../../../src/contract/plain/remembering.ts';
import { WRITE_STDIN, type WriteArguments } from '../../../src/contract/plain/tools/write-stdin.ts';
import { assessInput, reachesNetwork } from '../approvals/policy.ts';
import { actionIds } from '../state/actions.ts';
import { addItem } from '../state/log.ts';
import type { ThreadState, ToolCall } from '../state/state.ts';
import { type StepEnd, retried, stepIds, toSummary } from '../state/steps.ts';
import { argumentsOf, withCall } from './call-list.ts';
import { describeReport, statusOf } from './command-step.ts';
import { sessionsOf } from './sessions.ts';
import type { CallResult, Tool } from './tool.ts';

export const write: Tool<WriteArguments> = {
  definitions: [WRITE_STDIN],

  record(state, at, { item, call }, args) {
    const found = findSession(state, args);
    if (typeof found === 'string')
      return addItem(state, at, {
        ...item,
        type: 'dynamicToolCall',
        status: 'failed',
        output: `write_stdin: ${found}`,
      });
    return withCall(addItem(state, at, { ...item, type: 'dynamicToolCall' }), { ...call, session: found });
  },

  approve(state, call) {
    const session = sessionsOf(state).find(({ id }) => id === call.session?.id);
    const { chars } = argumentsOf(state, call, write.definitions);
    const { cwd, sandbox } = session ?? { cwd: state.settings.cwd, sandbox: state.settings.sandbox };
    const command = toTypedInput(call.session?.id, session?.command ?? '', chars);
    return {
      verdict: assessInput({ chars, sandbox }, state.settings),
      match: { type: 'commandExecution', command, cwd, sandbox },
      toRequest: (reason) => ({
        ...{ type: 'commandExecution', command, cwd, workspace: state.settings.cwd, sandbox, reason },
        sandboxed: sandbox !== 'danger-full-access',
        escalated: sandbox === 'danger-full-access' && state.settings.sandbox !== sandbox,
        network: reachesNetwork(state.settings, sandbox),
      }),
    };
  },

  actions(state, { turnId }, call) {
    const { index, session } = call;
    if (session === undefined) return [];
    const id = actionIds.tool(state.threadId, index);
    const { chars, yieldMs, maxOutputBytes } = argumentsOf(state, call, write.definitions);
    return [
      {
        type: 'step',
        id,
        turnId,
        activity: 'writeStdin',
        input: { ...stepIds(state, id), index, session, chars, yieldMs, maxOutputBytes },
        options: retried(yieldMs + 60_000),
        summary: toSummary('session', `${session.id}${chars === '' ? '' : `: ${JSON.stringify(chars)}`}`),
      },
    ];
  },

  toResult: (event, call) => (event.activity === 'writeStdin' ? toLook(event.end, call) : null),
};

/** The reason, for the model, if it cannot be looked at. */
function findSession(state: ThreadState, { sessionId, chars }: WriteArguments): OpenSession | string {
  const session = sessionsOf(state).find(({ id }) => id === sessionId);
  const isHeard = session?.terminal === true || chars.replaceAll('\u0003', '') === '';
  if (session !== undefined && isHeard) {
    const { id, key, commandId } = session;
    return { id, key, commandId };
  }
  if (session !== undefined)
    return `session ${sessionId} has no terminal and reads nothing: it can only be interrupted, by \\u0003. Start it again with tty: true.`;
  const known = sessionsOf(state).map(({ id }) => id);
  const others = known.length === 0 ? 'There are none.' : `There are: ${known.join(', ')}.`;
  return `this thread has no session ${sessionId}, or its end was told already. ${others}`;
}

function toLook(end: StepEnd<'writeStdin'>, { session }: ToolCall): CallResult {
  const id = session?.id ?? 0;
  switch (end.type) {
    case 'done': {
      const { tail, ...report } = end.value;
      const output = describeReport(report, id);
      if (report.outcome === 'yielded') return { change: { status: 'completed', output }, proven: true };
      const ended = { id, report: { ...report, output: tail ?? '' } };
      return { change: { status: statusOf(report), output }, proven: true, session: { type: 'ended', end: ended } };
    }
    case 'aborted':
      return { change: { status: 'aborted', output: 'aborted by user' }, proven: true };
    case 'failed': {
      const { code, message } = end.failure;
      const output = code === 'commandLost' ? `Session ${id} has ended, and its output is lost.` : message;
      const lost = code === 'commandLost' ? { session: { type: 'ended', end: { id, report: null } } as const } : {};
      return { change: { status: 'failed', output }, proven: true, ...lost };
    }
  }
}
