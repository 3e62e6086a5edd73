import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toRequestWords } from '../../../src/contract/plain/words/request-words.ts';
import { createWritableArea } from '../../../src/adapters/files/writable-area.ts';
import { parsePatch } from '../../../src/adapters/files/patch-grammar.ts';
import type { ApprovalDecision, ApprovalPolicy, SandboxMode } from '../../../src/contract/index.ts';
import { HOSTILE } from '../../../src/contract/test-every-type.ts';
import { assessCommand, assessPatch, isWritable, pathsOfPatch, toAbsolute } from './policy.ts';
import { EXITED, type TestThread, exec, testThread } from '../testing/fixtures.ts';

const CWD = '/work/repo';

/** The steps to decide about, in the order of the columns of the table. */
const COLUMNS = [
  { type: 'command', command: 'ls', escalated: false },
  { type: 'command', command: 'make', escalated: false },
  { type: 'command', command: 'make', escalated: true },
  { type: 'patch', path: 'src/a.ts' },
  { type: 'patch', path: '../other/a.ts' },
  { type: 'patch', path: '.git/hooks/pre-commit' },
] as const;

type Row = [policy: ApprovalPolicy, sandbox: SandboxMode, ...verdicts: ('run' | 'ask' | 'refuse')[]];

// prettier-ignore
const TABLE: Row[] = [
  //                                    known safe  other     escalated  inside    outside   protected
  ['untrusted',  'read-only',           'run',      'ask',    'ask',     'ask',    'ask',    'ask'],
  ['untrusted',  'workspace-write',     'run',      'ask',    'ask',     'ask',    'ask',    'ask'],
  ['untrusted',  'danger-full-access',  'run',      'ask',    'ask',     'ask',    'ask',    'ask'],
  ['on-request', 'read-only',           'run',      'run',    'ask',     'ask',    'ask',    'ask'],
  ['on-request', 'workspace-write',     'run',      'run',    'ask',     'run',    'ask',    'ask'],
  ['on-request', 'danger-full-access',  'run',      'run',    'run',     'run',    'run',    'run'],
  ['never',      'read-only',           'run',      'run',    'refuse',  'refuse', 'refuse', 'refuse'],
  ['never',      'workspace-write',     'run',      'run',    'refuse',  'run',    'refuse', 'refuse'],
  ['never',      'danger-full-access',  'run',      'run',    'run',     'run',    'run',    'run'],
];

const CELLS = TABLE.flatMap(([policy, sandbox, ...verdicts]) =>
  COLUMNS.map((column, index) => ({ policy, sandbox, column, verdict: verdicts[index] ?? 'missing' })),
);

const update = (...paths: string[]) =>
  ['*** Begin Patch', ...paths.flatMap((path) => [`*** Add File: ${path}`, '+x']), '*** End Patch'].join('\n');

function verdictOf(
  column: (typeof COLUMNS)[number],
  policies: { approvalPolicy: ApprovalPolicy; sandbox: SandboxMode },
) {
  const settings = { ...policies, cwd: CWD, tmp: false };
  if (column.type === 'patch') return assessPatch([toAbsolute(column.path, CWD)], settings);
  return assessCommand({ ...column, cwd: CWD }, { ...settings, gitAnywhere: false });
}

/** A thread whose model has just asked for that. */
function asking(column: (typeof COLUMNS)[number], settings: Parameters<typeof testThread>[0]): TestThread {
  const thread = testThread({ cwd: CWD, ...settings });
  thread.submit('a');
  if (column.type === 'patch') thread.answer({ name: 'apply_patch', arguments: { input: update(column.path) } });
  else thread.answer(column.escalated ? escalated(column.command) : exec(column.command));
  return thread;
}

function escalated(command: string, more: object = {}) {
  return exec(command, { sandbox_permissions: 'require_escalated', justification: 'it needs the network', ...more });
}

function answer(thread: TestThread, decision: ApprovalDecision): void {
  const [request] = thread.state.requests;
  const given = { requestId: request?.requestId ?? 'none', decision };
  thread.dispatch({ type: 'requestAnswered', answer: given, by: 'person' });
}

describe('the table of policies and sandbox modes', () => {
  it('has a verdict for each combination', () => {
    expect(CELLS).toHaveLength(54);
    expect(CELLS.some(({ verdict }) => verdict === 'missing')).toBe(false);
  });

  it.each(CELLS)('$policy, $sandbox: $column -> $verdict', ({ policy, sandbox, column, verdict }) => {
    expect(verdictOf(column, { approvalPolicy: policy, sandbox }).type).toBe(verdict);
  });

  it.each(CELLS)(
    'the thread does it: $policy, $sandbox: $column -> $verdict',
    ({ policy, sandbox, column, verdict }) => {
      const thread = asking(column, { approvalPolicy: policy, sandbox });
      const steps = [...thread.steps('execCommand'), ...thread.steps('applyPatch')];
      const item = thread.state.log.items[1];
      expect(thread.state.requests).toHaveLength(verdict === 'ask' ? 1 : 0);
      expect(steps).toHaveLength(verdict === 'run' ? 1 : 0);
      expect(item).toMatchObject({ status: verdict === 'refuse' ? 'declined' : 'inProgress' });
      if (verdict === 'refuse') expect(thread.input('callModel')).toMatchObject({ step: 2 });
    },
  );

  it('a refusal tells the model why', () => {
    const thread = asking(COLUMNS[2], { approvalPolicy: 'never' });
    expect(thread.state.log.items[1]).toMatchObject({ output: expect.stringContaining('never') as string });
    expect(thread.types().filter((type) => type.includes('requestApproval'))).toEqual([]);
  });
});

describe('git, which runs what the configuration of a repository names,', () => {
  const GIT = ['git status', 'git --no-pager diff', 'git log | head', 'ls && git branch --list'];
  const asked = (command: string, settings: Parameters<typeof testThread>[0], decisions?: 'of the first release') => {
    const thread = testThread({ cwd: CWD, approvalPolicy: 'untrusted', ...settings });
    if (decisions !== undefined) delete thread.state.decisions;
    thread.submit('a');
    thread.answer(exec(command));
    return thread.state.requests.length === 1;
  };

  it.each(GIT)('is asked for without a sandbox, and runs unasked within one: %s', (command) => {
    expect(asked(command, { sandbox: 'danger-full-access' })).toBe(true);
    expect(asked(command, { sandbox: 'workspace-write' })).toBe(false);
    expect(asked(command, { sandbox: 'read-only' })).toBe(false);
  });

  it.each([
    ['git status', 'untrusted', true],
    ['git status', 'on-request', undefined],
    ['git fetch', 'untrusted', undefined],
  ] as const)('has a step that says whether it needed approval: %s with %s', (command, approvalPolicy, unasked) => {
    const thread = testThread({ cwd: CWD, approvalPolicy, sandbox: 'workspace-write' });
    thread.submit('a');
    thread.answer(exec(command));
    for (const { requestId } of thread.state.requests)
      thread.dispatch({ type: 'requestAnswered', answer: { requestId, decision: 'accept' }, by: 'person' });
    expect(thread.input('execCommand').unasked).toBe(unasked);
  });

  it('runs as it did in threads that an earlier release began', () => {
    expect(asked('git status', { sandbox: 'danger-full-access' }, 'of the first release')).toBe(false);
  });
});

describe('the sandbox that a step runs in, once it may', () => {
  // prettier-ignore
  const MODES: [sandbox: SandboxMode, ...modes: SandboxMode[]][] = [
    //                    known safe            other                 escalated             inside               outside               protected
    ['read-only',          'read-only',          'read-only',          'danger-full-access', 'workspace-write',    'danger-full-access', 'danger-full-access'],
    ['workspace-write',    'workspace-write',    'workspace-write',    'danger-full-access', 'workspace-write',    'danger-full-access', 'danger-full-access'],
    ['danger-full-access', 'danger-full-access', 'danger-full-access', 'danger-full-access', 'danger-full-access', 'danger-full-access', 'danger-full-access'],
  ];
  it.each(
    MODES.flatMap(([sandbox, ...modes]) => COLUMNS.map((column, index) => ({ sandbox, column, mode: modes[index] }))),
  )('$sandbox: $column, accepted -> $mode', ({ sandbox, column, mode }) => {
    const thread = asking(column, { approvalPolicy: 'untrusted', sandbox });
    if (thread.state.requests.length > 0) answer(thread, 'accept');
    const [input] = [...thread.inputs('execCommand'), ...thread.inputs('applyPatch')];
    expect(input?.sandbox).toBe(mode);
  });
});

describe('decisions', () => {
  it('accept runs the step, once', () => {
    const thread = asking(COLUMNS[1], { approvalPolicy: 'untrusted' });
    answer(thread, 'accept');
    const { id } = thread.step('execCommand');
    expect(thread.state.rules).toEqual([]);
    thread.done('execCommand', EXITED, id);
    thread.answer(exec('make'));
    expect(thread.state.requests).toHaveLength(1);
  });

  it('decline tells the model, and the turn continues', () => {
    const thread = asking(COLUMNS[1], { approvalPolicy: 'untrusted' });
    answer(thread, 'decline');
    expect(thread.steps('execCommand')).toEqual([]);
    expect(thread.state.log.items[1]).toMatchObject({ status: 'declined', output: 'rejected by user' });
    expect(thread.input('callModel')).toMatchObject({ step: 2 });
  });

  it('cancel interrupts the turn', () => {
    const thread = asking(COLUMNS[1], { approvalPolicy: 'untrusted' });
    answer(thread, 'cancel');
    expect(thread.completions('a')).toMatchObject([{ status: 'aborted', reason: 'interrupted' }]);
    expect(thread.state.log.items.at(-1)).toMatchObject({ type: 'turnAborted' });
    expect(thread.running).toEqual([]);
  });

  it('a second answer changes nothing and is recorded as refused', () => {
    const thread = asking(COLUMNS[1], { approvalPolicy: 'untrusted' });
    const requestId = thread.state.requests[0]?.requestId ?? 'none';
    answer(thread, 'accept');
    thread.dispatch({ type: 'requestAnswered', answer: { requestId, decision: 'cancel' }, by: 'person' });
    expect(thread.events().at(-1)).toMatchObject({ type: 'message/rejected', code: 'requestNotOpen', id: requestId });
    expect(thread.steps('execCommand')).toHaveLength(1);
    expect(thread.types().filter((type) => type === 'serverRequest/resolved')).toHaveLength(1);
  });

  it('an answer in another shape than the request is refused, and the request stays open', () => {
    const thread = asking(COLUMNS[1], { approvalPolicy: 'untrusted' });
    const requestId = thread.state.requests[0]?.requestId ?? 'none';
    const answers = { q: { answers: ['yes'] } };
    thread.dispatch({ type: 'requestAnswered', answer: { requestId, decision: 'accept', answers }, by: 'person' });
    expect(thread.events().at(-1)).toMatchObject({ type: 'message/rejected', code: 'requestMismatch' });
    expect(thread.state.requests).toHaveLength(1);
  });
});

describe('a deadline', () => {
  it('gives the default once; what comes later is refused', () => {
    const thread = asking(COLUMNS[1], { approvalPolicy: 'untrusted', requestDeadlineMs: 5_000 });
    const { id, about, at } = thread.action('awaitTime');
    const [request] = thread.state.requests;
    expect(at).toBe((request?.openedAt ?? 0) + 5_000);
    thread.dispatch({ type: 'timeCame', id, about });
    const late = { type: 'timeCame', id, about } as const;
    thread.dispatch(late);
    const resolved = thread.events().filter(({ type }) => type === 'serverRequest/resolved');
    expect(resolved).toMatchObject([{ requestId: request?.requestId, decision: 'decline', by: 'deadline' }]);
    expect(thread.state.log.items[1]).toMatchObject({ status: 'declined' });
    expect(thread.input('callModel')).toMatchObject({ step: 2 });
  });

  it('is dropped once somebody answered', () => {
    const thread = asking(COLUMNS[1], { approvalPolicy: 'untrusted', requestDeadlineMs: 5_000 });
    const { id, about } = thread.action('awaitTime');
    answer(thread, 'accept');
    expect(thread.actions('awaitTime')).toEqual([]);
    thread.dispatch({ type: 'timeCame', id, about });
    expect(thread.steps('execCommand')).toHaveLength(1);
  });

  it('of 0 is none', () => {
    const thread = asking(COLUMNS[1], { approvalPolicy: 'untrusted', requestDeadlineMs: 0 });
    expect(thread.state.requests).toMatchObject([{ deadlineAt: null }]);
    expect(thread.actions('awaitTime')).toEqual([]);
  });
});

describe('a thread that nobody watches', () => {
  it.each([
    ['accept', { status: 'inProgress' }],
    ['decline', { status: 'declined' }],
    ['cancel', { status: 'declined' }],
  ] as const)('answers its own approvals at once by its policy: %s', (approvals, item) => {
    const thread = asking(COLUMNS[1], { approvalPolicy: 'untrusted', unattended: { approvals } });
    expect(thread.state.requests).toEqual([]);
    const resolved = thread.events().filter(({ type }) => type === 'serverRequest/resolved');
    expect(resolved).toMatchObject([{ decision: approvals, by: 'policy' }]);
    expect(thread.state.log.items[1]).toMatchObject(item);
    const ends = thread.completions('a').map(({ status }) => status);
    expect(ends).toEqual(approvals === 'cancel' ? ['aborted'] : []);
    expect(thread.running).toHaveLength(approvals === 'cancel' ? 0 : 1);
  });

  it.each(['accept', 'decline', 'cancel'] as const)(
    'has no answer to a question, whatever its policy: %s',
    (approvals) => {
      const thread = testThread({ unattended: { approvals } });
      thread.submit('a');
      const questions = [{ id: 'q', header: 'Port', question: 'Which?' }];
      thread.answer({ name: 'request_user_input', arguments: { questions } });
      expect(thread.state.requests).toEqual([]);
      expect(thread.state.log.items[1]).toMatchObject({
        status: 'declined',
        output: expect.stringContaining('Nobody watches') as string,
      });
      expect(thread.input('callModel')).toMatchObject({ step: 2 });
    },
  );
});

describe('a request', () => {
  const command = fc.oneof(
    fc.string({ unit: 'binary', minLength: 1 }).filter((text) => text.trim() !== ''),
    fc.constantFrom(HOSTILE, 'make\nrm -rf ~', 'make\u200b', 'make; true', ` make${' '.repeat(3_000)}x`),
  );
  const called = fc.oneof(
    fc.record({ type: fc.constant('command' as const), command, escalated: fc.boolean() }),
    fc.record({ type: fc.constant('patch' as const), path: fc.constantFrom('a', '../b', '.git/c'), line: command }),
  );

  it('shows byte for byte what runs once it is accepted, and where that is', () => {
    const sandboxes = fc.constantFrom('read-only' as const, 'workspace-write' as const, 'danger-full-access' as const);
    fc.assert(
      fc.property(
        called,
        sandboxes,
        fc.constantFrom('accept' as const, 'acceptForSession' as const),
        (one, sandbox, yes) => {
          const thread = testThread({ cwd: CWD, sandbox, approvalPolicy: 'untrusted' });
          thread.submit('a');
          if (one.type === 'command') thread.answer(one.escalated ? escalated(one.command) : exec(one.command));
          else thread.answer({ name: 'apply_patch', arguments: { input: `${update(one.path)}\n${one.line}` } });
          const [request] = thread.state.requests;
          // Commands that are known to only read do not ask.
          if (request === undefined) return;
          answer(thread, yes);
          if (request.type === 'commandExecution') {
            const { index, command, cwd, sandbox: within } = thread.input('execCommand');
            const item = thread.state.log.items[index];
            // A long one is read from its item.
            const runs = command ?? (item?.type === 'commandExecution' ? item.command : null);
            expect({ runs, cwd, within }).toEqual({ runs: request.command, cwd: request.cwd, within: request.sandbox });
            expect(runs).toBe(one.type === 'command' ? one.command : '');
            expect(request.sandboxed).toBe(within !== 'danger-full-access');
          } else if (request.type === 'fileChange') {
            const { index, sandbox: within } = thread.input('applyPatch');
            const item = thread.state.log.items[index];
            expect(item).toMatchObject({ patch: request.patch?.text });
            expect(request.patch?.chars).toBe(request.patch?.text.length);
            expect(within).toBe(request.sandbox);
          }
        },
      ),
    );
  });

  it('says that a command leaves the sandbox, in words of ours, and keeps those of the model apart', () => {
    const thread = asking(COLUMNS[2], { approvalPolicy: 'on-request' });
    expect(thread.state.requests).toMatchObject([
      {
        ...{ type: 'commandExecution', command: 'make', cwd: CWD, workspace: CWD, sandbox: 'danger-full-access' },
        ...{ sandboxed: false, escalated: true, network: true },
        ...{ reason: 'The agent asks to run this outside the sandbox.', justification: 'it needs the network' },
      },
    ]);
  });

  it('does not call a command sandboxed in a thread without a sandbox', () => {
    const thread = asking(COLUMNS[1], { approvalPolicy: 'untrusted', sandbox: 'danger-full-access' });
    expect(thread.state.requests).toMatchObject([{ sandboxed: false, escalated: false, network: true }]);
  });

  it.each([true, false])('says that a command in the sandbox can reach the network if it can (%s)', (network) => {
    const thread = asking(COLUMNS[1], { approvalPolicy: 'untrusted', sandbox: 'workspace-write', network });
    expect(thread.state.requests).toMatchObject([{ sandboxed: true, network }]);
    const answer = { requestId: thread.state.requests[0]?.requestId ?? '', decision: 'accept' as const };
    thread.dispatch({ type: 'requestAnswered', answer, by: 'person' });
    expect(thread.input('execCommand').offline).toBe(network ? undefined : true);
  });

  it('shows where the paths of a patch lead, and asks for it as for a patch of those', () => {
    const leads = [{ path: `${CWD}/link`, to: '/home/person/.bashrc' }];
    const call = { name: 'apply_patch', arguments: { input: update('link') }, leads };
    const thread = testThread({ cwd: CWD, approvalPolicy: 'on-request', sandbox: 'workspace-write' });
    thread.submit('a');
    thread.answer(call);
    const [request] = thread.state.requests;
    expect(request).toMatchObject({ paths: [`${CWD}/link`], leads, sandbox: 'danger-full-access' });
    expect(request && toRequestWords(request).facts).toContainEqual(['leads to', '/home/person/.bashrc']);
    const requestId = request?.requestId ?? '';
    thread.dispatch({ type: 'requestAnswered', answer: { requestId, decision: 'acceptForSession' }, by: 'person' });
    expect(thread.input('applyPatch')).toMatchObject({ sandbox: 'danger-full-access', leads });
    thread.done('applyPatch', { type: 'applied', changes: [] });
    // The rule covers this target and no other one.
    thread.answer({ ...call, leads: [{ path: `${CWD}/link`, to: '/home/person/.profile' }] });
    expect(thread.state.requests).toHaveLength(1);
    const never = testThread({ cwd: CWD, approvalPolicy: 'never', sandbox: 'workspace-write' });
    never.submit('a');
    never.answer(call);
    expect(never.state.log.items[1]).toMatchObject({ type: 'fileChange', status: 'declined' });
  });

  it('says how long a patch or arguments are of which it holds the beginning', () => {
    const thread = testThread({ cwd: CWD, approvalPolicy: 'untrusted' });
    thread.submit('a');
    const patch = `*** Begin Patch\n*** Add File: a\n+${'x'.repeat(50_000)}\n*** End Patch`;
    thread.answer({ name: 'apply_patch', arguments: { input: patch } });
    const [request] = thread.state.requests;
    if (request?.type !== 'fileChange') throw new Error('nothing is asked');
    expect(request.patch?.chars).toBe(patch.length);
    expect(patch.startsWith(request.patch?.text ?? '-')).toBe(true);
    expect(request.patch?.text.length).toBe(16_000);
  });
});

describe('policy untrusted', () => {
  const policies = { approvalPolicy: 'untrusted', sandbox: 'workspace-write', cwd: CWD, tmp: false } as const;
  const verdictOn = (command: string, cwd: string, leaves: boolean) =>
    assessCommand({ command, cwd, escalated: leaves }, { ...policies, gitAnywhere: false }).type;

  it('asks for what leaves the sandbox even if it is known to only read', () => {
    expect([verdictOn('ls', CWD, false), verdictOn('ls', CWD, true)]).toEqual(['run', 'ask']);
  });

  it('lets git read at the root of the workspace, and asks below it', () => {
    expect([verdictOn('git status', CWD, false), verdictOn('git status', `${CWD}/vendor`, false)]).toEqual([
      ...['run', 'ask'],
    ]);
  });

  it('says of a patch what it reaches, or that every change is asked for', () => {
    expect(assessPatch(['/etc/passwd'], policies)).toEqual({
      type: 'ask',
      reason: '/etc/passwd is outside the workspace, or in a protected folder of it.',
    });
    expect(assessPatch([`${CWD}/a`], policies)).toEqual({
      type: 'ask',
      reason: 'The policy is untrusted: every change is asked for.',
    });
  });
});

describe('a patch that is given to the shell', () => {
  const command = `cd src && apply_patch <<'EOF'\n${update('a')}\nEOF`;

  it.each(['untrusted', 'on-request', 'never'] as const)(
    'is neither asked for nor run, and the model is told which tool to call (%s)',
    (approvalPolicy) => {
      for (const call of [exec(command), escalated(command)]) {
        const thread = testThread({ cwd: CWD, approvalPolicy });
        thread.submit('a');
        thread.answer(call, exec('ls'));
        expect(thread.state.requests).toEqual([]);
        expect(thread.inputs('execCommand').map((action) => action.command)).toEqual(['ls']);
        expect(thread.state.log.items[1]).toMatchObject({
          ...{ type: 'dynamicToolCall', status: 'failed' },
          output: expect.stringMatching(/no patch was applied\. Call the tool apply_patch instead/) as string,
        });
      }
    },
  );

  it('is run as ever in a run that an earlier release began, and by a person', () => {
    const thread = testThread({ cwd: CWD });
    const { decisions: _, ...state } = thread.state;
    thread.restart(state);
    thread.submit('a');
    thread.answer(exec(command));
    expect(thread.input('execCommand').command).toBe(command);
    const other = testThread({ cwd: CWD });
    other.submit('a', command, { kind: 'user_shell' });
    expect(other.input('execCommand').command).toBe(command);
  });
});

describe('paths', () => {
  // prettier-ignore
  it.each([
    ['/work/repo/a', true],
    ['/work/repo/a/.gitignore', true],
    ['/work/repo/.github/x', true],
    ['/tmp/x', false],
    ['/work/repository/a', false],
    ['/work', false],
    ['/etc/passwd', false],
    ['/work/repo/.git/config', false],
    ['/work/repo/.GIT/config', false],
    ['/work/repo/.git', false],
    ['/work/repo/sub/.git/hooks/x', false],
    ['/work/repo/.codex/x', false],
    ['/work/repo/.bobbin/x', false],
    ['/tmp/other/.git/hooks/x', false],
  ])('%s may be written in mode workspace-write: %s', (path, writable) => {
    expect(isWritable(path, CWD, false)).toBe(writable);
    expect(isWritable(path, `${CWD}/`, false)).toBe(writable);
  });

  it('in a workspace below a protected folder of /tmp may not be written in a run of an earlier release, either', () => {
    expect(isWritable('/tmp/.codex/work/a', '/tmp/.codex/work', true)).toBe(false);
    expect(isWritable('/tmp/work/a', '/tmp/work', true)).toBe(true);
  });

  it('may be written by a patch that is not asked for exactly if the step writes them', () => {
    const parts = fc.array(fc.constantFrom('a', 'b.ts', '..', '.', '.git', '.GIT', '.codex', '.bobbin', 'tmp', 'etc'), {
      minLength: 1,
      maxLength: 5,
    });
    const start = fc.constantFrom('', '/', '/tmp/', '/var/tmp/', '/dev/shm/', '/work/repo/', '/tmp/work/');
    const cwds = fc.constantFrom('/work/repo', '/tmp/work', '/tmp', '/work/.git/x', '/tmp/.codex/y', '/');
    const counts = { held: 0, inTmp: 0 };
    fc.assert(
      fc.property(cwds, start, parts, (cwd, from, names) => {
        const path = toAbsolute(from + names.join('/'), cwd);
        fc.pre(path !== cwd);
        const area = createWritableArea(cwd, { mode: 'workspace-write', writableRoots: [], networkAccess: false });
        const asked = assessPatch([path], {
          approvalPolicy: 'on-request',
          sandbox: 'workspace-write',
          cwd,
          tmp: false,
        });
        let written = true;
        try {
          area.resolve(path);
        } catch {
          written = false;
        }
        counts.held += written ? 0 : 1;
        counts.inTmp += path.startsWith('/tmp/') && !cwd.startsWith('/tmp') ? 1 : 0;
        expect(asked.type === 'run').toBe(written);
      }),
      { numRuns: 2_000 },
    );
    expect(counts.held).toBeGreaterThan(200);
    expect(counts.inTmp).toBeGreaterThan(100);
  });

  it('below /tmp are asked for, and what is accepted writes there; in a run that an earlier release began they are not', () => {
    const tmp = { name: 'apply_patch', arguments: { input: update('/tmp/a') } };
    const thread = testThread({ cwd: CWD });
    thread.submit('a');
    thread.answer(tmp);
    const [request] = thread.state.requests;
    expect(request).toMatchObject({ paths: ['/tmp/a'], sandbox: 'danger-full-access' });
    expect(request?.reason).toContain('private to the thread: no patch reaches it');
    thread.dispatch({
      type: 'requestAnswered',
      answer: { requestId: request!.requestId, decision: 'accept' },
      by: 'person',
    });
    expect(thread.input('applyPatch').sandbox).toBe('danger-full-access');
    const never = testThread({ cwd: CWD, approvalPolicy: 'never' });
    never.submit('a');
    never.answer(tmp);
    expect(never.state.log.items[1]).toMatchObject({ type: 'fileChange', status: 'declined' });
    const earlier = testThread({ cwd: CWD });
    const { decisions: _, ...state } = earlier.state;
    earlier.restart(state);
    earlier.submit('a');
    earlier.answer(tmp);
    expect(earlier.input('applyPatch').sandbox).toBe('workspace-write');
  });

  it('are made absolute without a way around', () => {
    expect(toAbsolute('a/../../b/./c', CWD)).toBe('/work/b/c');
    expect(toAbsolute('/a//b/../../../c', CWD)).toBe('/c');
    expect(toAbsolute('.', `${CWD}/`)).toBe(CWD);
  });

  it('of a patch are all shown, in whatever way its headers are written', () => {
    const headers = fc.constantFrom('*** Add File:', '*** Delete File:', '*** Update File:', '*** Move to:');
    const space = fc.constantFrom('', ' ', '  ', '\t', '\r', '\u2028', '\u00a0');
    const path = fc.constantFrom('a', '../b', '/etc/c', '.git/d', 'e f', 'g\u2028/../h', 'i\rj', '');
    const header = fc.tuple(space, headers, space, path, space).map((parts) => parts.join(''));
    const body = fc.constantFrom('+x', '@@', '-y', ' kept', '', '*** End of File');
    const lines = fc.array(fc.oneof(header, header, body), { maxLength: 8 });
    let named = 0;
    fc.assert(
      fc.property(lines, (inner) => {
        const patch = ['*** Begin Patch', ...inner, '*** End Patch'].join('\n');
        const parsed = parsePatch(patch);
        if (!parsed.ok) return;
        const written = parsed.files.flatMap((file) =>
          file.type === 'update' && file.movePath !== undefined ? [file.path, file.movePath] : [file.path],
        );
        named += written.length;
        expect(pathsOfPatch(patch)).toEqual(expect.arrayContaining(written));
      }),
      { numRuns: 5_000 },
    );
    expect(named).toBeGreaterThan(200);
  });
});
