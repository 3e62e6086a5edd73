import { describe, expect, it } from 'vitest';
import type { McpApproval, McpRoute } from '../../../activities/ports.ts';
import type { ApprovalPolicy, SandboxMode } from '../../../src/contract/index.ts';
import { OWN_TOOLS } from '../../../src/contract/plain/tools/own.ts';
import { assessMcpCall } from '../approvals/policy.ts';
import { NO_USAGE } from '../state/state.ts';
import { type TestThread, testThread } from '../testing/fixtures.ts';

const route = (more: Partial<McpRoute> = {}): McpRoute => ({
  server: 'files',
  tool: 'read',
  readOnly: true,
  approval: 'writes',
  ...more,
});

type Verdict = 'run' | 'ask' | 'refuse';
type Row = [policy: ApprovalPolicy, sandbox: SandboxMode, ...verdicts: Verdict[]];

const COLUMNS: { approval: McpApproval; readOnly: boolean }[] = [
  { approval: 'never', readOnly: true },
  { approval: 'never', readOnly: false },
  { approval: 'writes', readOnly: true },
  { approval: 'writes', readOnly: false },
  { approval: 'always', readOnly: true },
  { approval: 'always', readOnly: false },
];

// prettier-ignore
const TABLE: Row[] = [
  //                                    never: reads  writes    writes: reads  writes    always: reads  writes
  ['untrusted',  'read-only',           'run',        'ask',    'run',         'ask',    'ask',         'ask'],
  ['untrusted',  'workspace-write',     'run',        'run',    'run',         'ask',    'ask',         'ask'],
  ['untrusted',  'danger-full-access',  'run',        'run',    'run',         'ask',    'ask',         'ask'],
  ['on-request', 'read-only',           'run',        'ask',    'run',         'ask',    'ask',         'ask'],
  ['on-request', 'workspace-write',     'run',        'run',    'run',         'ask',    'ask',         'ask'],
  ['on-request', 'danger-full-access',  'run',        'run',    'run',         'ask',    'ask',         'ask'],
  ['never',      'read-only',           'run',        'refuse', 'run',         'refuse', 'refuse',      'refuse'],
  ['never',      'workspace-write',     'run',        'run',    'run',         'refuse', 'refuse',      'refuse'],
  ['never',      'danger-full-access',  'run',        'run',    'run',         'refuse', 'refuse',      'refuse'],
];

const CELLS = TABLE.flatMap(([approvalPolicy, sandbox, ...verdicts]) =>
  COLUMNS.map((column, index) => ({ approvalPolicy, sandbox, ...column, verdict: verdicts[index] ?? 'missing' })),
);

it('a call is asked for by the name of its server, or as one of this worker', () => {
  const policies = { approvalPolicy: 'on-request', sandbox: 'workspace-write' } as const;
  const reasons = [route({ approval: 'always' }), route({ readOnly: false, server: OWN_TOOLS })].map((one) =>
    assessMcpCall(one, policies),
  );
  expect(reasons).toEqual([
    { type: 'ask', reason: 'Tool read of MCP server files: every call is asked for.' },
    { type: 'ask', reason: 'Tool read of this worker: it does not say that it only reads.' },
  ]);
});

/** A thread whose model has just asked for these calls. */
function calling(settings: Parameters<typeof testThread>[0], ...routes: McpRoute[]): TestThread {
  const thread = testThread(settings);
  thread.submit('a');
  answerWith(thread, ...routes);
  return thread;
}

function answerWith(thread: TestThread, ...routes: McpRoute[]): void {
  const output = routes.map((mcp, index) => ({
    type: 'toolCall' as const,
    callId: `call_${thread.at}_${index}`,
    name: `mcp__${mcp.server}__${mcp.tool}`,
    arguments: '{"path": "a"}',
    mcp,
  }));
  const { id } = thread.step('callModel');
  thread.done('callModel', { type: 'answered', output, usage: NO_USAGE }, id);
}

const writing = route({ tool: 'write', readOnly: false });

describe('the table of policies, sandbox modes and settings of servers', () => {
  it.each(CELLS)(
    '$approvalPolicy, $sandbox, approval $approval, only reads: $readOnly -> $verdict',
    ({ approvalPolicy, sandbox, approval, readOnly, verdict }) => {
      const one = route({ approval, readOnly });
      expect(assessMcpCall(one, { approvalPolicy, sandbox }).type).toBe(verdict);
      const thread = calling({ approvalPolicy, sandbox }, one);
      expect(thread.state.requests).toHaveLength(verdict === 'ask' ? 1 : 0);
      expect(thread.steps('callMcpTool')).toHaveLength(verdict === 'run' ? 1 : 0);
      expect(thread.state.log.items[1]).toMatchObject({
        type: 'mcpToolCall',
        arguments: { path: 'a' },
        status: verdict === 'refuse' ? 'declined' : 'inProgress',
      });
    },
  );

  it('a tool accepted for the session is not asked for again, and another one of its server is', () => {
    const thread = calling({}, writing);
    const [request] = thread.state.requests;
    expect(request).toMatchObject({ type: 'mcpToolCall', server: 'files', tool: 'write', readOnly: false });
    const answer = { requestId: request!.requestId, decision: 'acceptForSession' as const };
    thread.dispatch({ type: 'requestAnswered', answer, by: 'person' });
    end(thread);
    answerWith(thread, writing);
    expect(thread.state.requests).toEqual([]);
    end(thread);
    answerWith(thread, route({ tool: 'delete', readOnly: false }));
    expect(thread.state.requests).toHaveLength(1);
  });
});

function end(thread: TestThread, outcome: 'completed' | 'failed' = 'completed'): void {
  const { id } = thread.step('callMcpTool');
  thread.done('callMcpTool', { type: 'reported', outcome, output: 'out', durationMs: 3 }, id);
}

describe('calls of one step', () => {
  it('run side by side as long as they only read, and one at a time otherwise', () => {
    const free = { approval: 'never' as const };
    const thread = calling({}, route(), route(), route({ ...free, readOnly: false }), route());
    expect(thread.inputs('callMcpTool').map(({ index }) => index)).toEqual([1, 2]);
    for (const { id } of thread.steps('callMcpTool')) {
      thread.end('callMcpTool', { type: 'aborted' }, id);
    }
    expect(thread.inputs('callMcpTool').map(({ index }) => index)).toEqual([3]);
  });

  it('end as they are reported, and the next step follows', () => {
    const thread = calling({}, route());
    end(thread, 'failed');
    expect(thread.state.log.items[1]).toMatchObject({ status: 'failed', output: 'out', durationMs: 3 });
    expect(thread.input('callModel')).toMatchObject({ step: 2 });
  });

  it('keep the images that they return, and leave a warning if something of them still runs', () => {
    const image = { sha256: 'ab', bytes: 1, mediaType: 'image/png' as const, width: 2, height: 3 };
    const thread = calling({}, route());
    const report = { type: 'reported' as const, outcome: 'completed' as const, output: 'out', durationMs: 3 };
    thread.done('callMcpTool', { ...report, images: [image] });
    expect(thread.state.log.items[1]).toMatchObject({ images: [image] });
    expect(thread.types()).not.toContain('warning');
    expect(thread.steps('cleanWorkspace')).toEqual([]);
    answerWith(thread, route());
    thread.done('callMcpTool', { ...report, left: true });
    expect(thread.state.log.items[2]).not.toHaveProperty('images');
    expect(thread.types()).toContain('warning');
    expect(thread.steps('cleanWorkspace')).toHaveLength(1);
  });

  it('take the end of no other step for theirs', () => {
    const thread = calling({}, route());
    const { log } = thread.state;
    const failure = { code: 'x', message: 'x', details: {} };
    thread.dispatch({ type: 'stepEnded', id: 'tool/t1/1', activity: 'takeSnapshot', end: { type: 'failed', failure } });
    expect(thread.state.log).toEqual(log);
  });

  it('that could not be made leave nothing', () => {
    const thread = calling({}, route());
    thread.end('callMcpTool', { type: 'failed', failure: { code: 'x', message: 'no server', details: {} } });
    expect(thread.state.log.items[1]).toMatchObject({ status: 'failed', output: 'no server' });
    expect(thread.steps('cleanWorkspace')).toEqual([]);
  });

  it('say what the server said last, if it said something', () => {
    const outputs = [{ text: 'half way' }, {}].map((lastBeat) => {
      const thread = calling({}, route());
      thread.end('callMcpTool', { type: 'lost', lastBeat });
      return (thread.state.log.items[1] as { output: string }).output;
    });
    const lost = 'The worker that made this call was lost. The server may have done all or part of it.';
    expect(outputs).toEqual([`${lost} It said last: half way`, lost]);
  });

  it('have arguments of up to 2,000 characters in the input of their step, and show them to the person', () => {
    const withText = (chars: number) => {
      const thread = testThread();
      thread.submit('a');
      const args = JSON.stringify({ text: 'x'.repeat(chars - JSON.stringify({ text: '' }).length) });
      const mcp = route({ approval: 'always' });
      const output = [{ type: 'toolCall' as const, callId: 'c', name: 'mcp__files__read', arguments: args, mcp }];
      thread.done('callModel', { type: 'answered', output, usage: NO_USAGE });
      const [request] = thread.state.requests;
      expect(request).toMatchObject({ arguments: { text: JSON.stringify(JSON.parse(args), null, 2) } });
      const answer = { requestId: request!.requestId, decision: 'accept' as const };
      thread.dispatch({ type: 'requestAnswered', answer, by: 'person' });
      return thread.step('callMcpTool');
    };
    expect(withText(2_000)).toMatchObject({ onWorkspace: true, losable: true });
    expect(JSON.stringify(withText(2_000).input.arguments)).toHaveLength(2_000);
    expect(withText(2_001).input.arguments).toBeNull();
  });

  it('are lost with their worker, and nothing touches the workspace before what it left is ended', () => {
    const thread = calling({}, route({ readOnly: false, approval: 'never' }));
    const { id } = thread.step('callMcpTool');
    thread.end('callMcpTool', { type: 'lost', lastBeat: { text: 'half way' } }, id);
    expect(thread.state.log.items[1]).toMatchObject({
      status: 'lost',
      output: expect.stringContaining('half way') as string,
    });
    expect(thread.input('cleanWorkspace')).toBeDefined();
  });
});

describe('a warning of a server', () => {
  it('is given once in the life of a thread, for each server', () => {
    const thread = testThread();
    const answerWarned = (...servers: string[]) => {
      const mcpWarnings = servers.map((server) => ({ server, message: `${server} is not there` }));
      const { id } = thread.step('callModel');
      thread.done('callModel', { type: 'answered', output: [], usage: NO_USAGE, mcpWarnings }, id);
    };
    thread.submit('a');
    answerWarned('one');
    thread.submit('b');
    answerWarned('one', 'two');
    expect(thread.events().flatMap((event) => (event.type === 'warning' ? [event.message] : []))).toEqual([
      'one is not there',
      'two is not there',
    ]);
  });
});
