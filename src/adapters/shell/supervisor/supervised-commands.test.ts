import { randomUUID } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CommandIo, CommandReport, CommandSpec, OutputTail, Poll } from '../../../../activities/ports.ts';
import { NO_LIMITS } from '../processes/limits.ts';
import { listOutsideSockets } from '../sandbox/outside-sockets.ts';
import { isRunning, readPid } from '../test-bench.ts';
import { isServed } from './client.ts';
import { createReports } from './reports.ts';
import { type SupervisedCommands, createSupervisedCommands, endSupervisors } from './supervised-commands.ts';

const THREAD = 'thread-1';

let folder: string;
let workspace: string;
let state: string;
let workers: SupervisedCommands[];
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'supervised-')));
  workspace = join(folder, 'workspace');
  state = join(folder, 'state');
  mkdirSync(workspace);
  workers = [];
});
afterEach(async () => {
  for (const worker of workers) await worker.close();
  await endSupervisors(state);
  await vi.waitFor(async () => expect(await served()).toEqual([]), 20_000);
  rmSync(folder, { recursive: true, force: true });
});

function newWorker(unattendedS = 0): SupervisedCommands {
  const worker = createSupervisedCommands({ stateDirectory: state, limits: { ...NO_LIMITS, unattendedS } });
  workers.push(worker);
  return worker;
}

function specOf(command: string, more: Partial<CommandSpec> = {}): CommandSpec {
  return {
    ...{ commandId: randomUUID(), threadId: THREAD, command, cwd: workspace, workspace },
    sandbox: { mode: 'danger-full-access', writableRoots: [], networkAccess: false },
    ...{ timeoutMs: 60_000, maxOutputBytes: 16_384, ...more },
  };
}

interface Attempt {
  report: Promise<CommandReport>;
  /** Resolves once the output contains the text. */
  said(text: string): Promise<void>;
  stop(): void;
  leave(): void;
}

function attempt(call: (io: Required<CommandIo>) => Promise<CommandReport>, key = 'key'): Attempt {
  const [stop, leave] = [new AbortController(), new AbortController()];
  let tail: OutputTail = { text: '', chars: 0 };
  const report = call({
    signal: stop.signal,
    lasting: { key, leave: leave.signal },
    onOutput: (next) => (tail = next),
  });
  report.catch(() => undefined);
  return {
    report,
    said: (text) => vi.waitFor(() => expect(tail.text).toContain(text), 20_000),
    stop: () => stop.abort(),
    leave: () => leave.abort(new Error('left')),
  };
}

const start = (worker: SupervisedCommands, spec: CommandSpec, key?: string) =>
  attempt((io) => worker.run(spec, io), key);
const attach = (worker: SupervisedCommands, { commandId }: CommandSpec, key = 'key') =>
  attempt((io) => worker.attach({ key, threadId: THREAD, commandId }, io), key);

/** Names of the sockets of supervisors. */
function supervisors(): string[] {
  const all = existsSync(join(state, 'supervisors')) ? readdirSync(join(state, 'supervisors')) : [];
  return all.filter((name) => /-.*\.sock$/.test(name));
}

/** The same without those of killed ones. */
async function served(): Promise<string[]> {
  const all = await Promise.all(
    supervisors().map(async (name) => ((await isServed(join(state, 'supervisors'), name)) ? [name] : [])),
  );
  return all.flat();
}

/** A command that says what it is told to, counts its starts, and waits for the file `go`. */
const waiting = (after = 'after') =>
  `echo $$ > pid; echo ran >> count; echo before; until [ -e go ]; do sleep 0.02; done; echo ${after}`;
const go = () => writeFileSync(join(workspace, 'go'), '');
const count = () => readFileSync(join(workspace, 'count'), 'utf8');

describe('a command', () => {
  it('continues when its worker leaves, and a later worker gets all of its output', async () => {
    const [first, second] = [newWorker(), newWorker()];
    const spec = specOf(waiting());
    const left = start(first, spec);
    await left.said('before');
    left.leave();
    await expect(left.report).rejects.toThrow('left');
    await first.close();
    const attached = attach(second, spec);
    await attached.said('before');
    go();
    expect(await attached.report).toMatchObject({
      outcome: 'exited',
      exitCode: 0,
      output: 'before\nafter\n',
      gone: true,
    });
    expect(count()).toBe('ran\n');
  });

  it('is started once per key, however often it is asked for, and again under another key', async () => {
    const worker = newWorker();
    const spec = specOf('echo ran >> count; cat count');
    const both = [start(worker, spec), start(worker, spec)];
    const reports = await Promise.all(both.map(({ report }) => report));
    expect(reports[1]).toEqual(reports[0]);
    expect(await start(worker, spec).report).toEqual(reports[0]);
    expect(count()).toBe('ran\n');
    // As after a reset of its thread.
    expect(await start(worker, spec, 'another').report).toMatchObject({ output: 'ran\nran\n' });
  });

  it('has a report for a worker that comes after its supervisor has ended, until its thread ends', async () => {
    const [first, second] = [newWorker(), newWorker()];
    const spec = specOf('echo done; exit 7');
    const report = await start(first, spec).report;
    await first.close();
    await vi.waitFor(() => expect(supervisors()).toEqual([]), 20_000);
    expect(await attach(second, spec).report).toEqual(report);
    await second.forget(THREAD);
    await expect(attach(second, spec).report).rejects.toMatchObject({ code: 'commandLost' });
  });

  it('that could not be started says the same to a later worker', async () => {
    const worker = newWorker();
    const spec = specOf('true', { cwd: join(workspace, 'missing') });
    const failure = { code: 'workspaceMissing', details: { path: join(workspace, 'missing') } };
    await expect(start(worker, spec).report).rejects.toMatchObject(failure);
    await expect(attach(worker, spec).report).rejects.toMatchObject(failure);
  });

  it('that nobody knows is lost', async () => {
    await expect(attach(newWorker(), specOf('true')).report).rejects.toMatchObject({ code: 'commandLost' });
  });

  it.each(['run', 'attach'] as const)('is stopped with proof by the worker that waits for it by %s', async (how) => {
    const worker = newWorker();
    const spec = specOf(waiting());
    const first = start(worker, spec);
    await first.said('before');
    const waits = how === 'run' ? first : attach(worker, spec);
    waits.stop();
    const output = expect.stringContaining('before\n') as string;
    expect(await waits.report).toMatchObject({ outcome: 'aborted', output, gone: true });
    expect(isRunning(readPid(join(workspace, 'pid')))).toBe(false);
    expect(await first.report).toMatchObject({ outcome: 'aborted' });
  });

  it.each([
    ['its id', (id: string) => id],
    ['the beginning of its id', (id: string) => `${id.slice(0, id.lastIndexOf('/'))}/*`],
  ])(
    'is stopped with proof by the clean-up of another worker by %s, in whichever supervisor it runs',
    async (_, name) => {
      const [first, second] = [newWorker(), newWorker(5)];
      const spec = specOf(waiting(), { commandId: `tool/${randomUUID()}/1/2` });
      await start(first, spec).said('before');
      await start(second, specOf('true'), 'other').report;
      expect(supervisors()).toHaveLength(2);
      expect(await second.clean(workspace)).toEqual({ ended: 0, gone: true });
      expect(await second.clean(workspace, [name(spec.commandId)])).toEqual({ ended: 0, gone: true });
      expect(isRunning(readPid(join(workspace, 'pid')))).toBe(false);
    },
  );

  it('is stopped if no worker waits for it for too long, and says so', async () => {
    const worker = newWorker(1);
    const spec = specOf(waiting());
    const left = start(worker, spec);
    await left.said('before');
    left.leave();
    await vi.waitFor(() => expect(isRunning(readPid(join(workspace, 'pid')))).toBe(false), 20_000);
    const report = await attach(worker, spec).report;
    expect(report).toMatchObject({ limit: 'unattendedS', gone: true });
    expect(report.output).toContain('no worker has waited for it for 1 s (BOBBIN_MAX_UNATTENDED_S)');
  });

  it.each(['danger-full-access', 'workspace-write'] as const)(
    'is lost with its last output if its supervisor is killed, and cleaned up before the next one runs, in mode %s',
    async (mode) => {
      const worker = newWorker();
      const sandbox = { mode, writableRoots: [], networkAccess: false };
      const spec = specOf(waiting(), { sandbox });
      const running = start(worker, spec);
      await running.said('before');
      process.kill(await supervisorPid(), 'SIGKILL');
      await expect(running.report).rejects.toMatchObject({ code: 'commandLost', details: { output: 'before\n' } });
      await expect(attach(worker, spec).report).rejects.toMatchObject({ code: 'commandLost' });
      // Nobody has seen its end, so nothing is certain.
      expect(await worker.clean(workspace, [spec.commandId])).toMatchObject({ gone: false });
      expect(await start(worker, specOf('echo next', { sandbox }), 'next').report).toMatchObject({ output: 'next\n' });
      expect(markedBy(spec.commandId)).toEqual([]);
    },
  );

  it('gets the same environment as in its worker, of which the supervisor has no more than it needs', async () => {
    vi.stubEnv('OPENAI_API_KEY', 'secret');
    vi.stubEnv('BOBBIN_COMMAND_ENV', 'FAVOURITE');
    vi.stubEnv('FAVOURITE', 'blue');
    try {
      const worker = newWorker();
      const { output } = await start(worker, specOf('echo $FAVOURITE $OPENAI_API_KEY')).report;
      expect(output).toBe('blue\n');
      expect(readFileSync(`/proc/${await supervisorPid()}/environ`, 'utf8')).not.toContain('secret');
    } finally {
      vi.unstubAllEnvs();
    }
  });
});

describe('a command that is looked at while it runs', () => {
  const looking = (id: string, more: Partial<Poll> = {}): Poll => ({
    ...{ id, isFirst: false, chars: '', yieldMs: 60_000, maxOutputBytes: 16_384, ...more },
  });
  const withPoll = (call: (io: Required<CommandIo>) => Promise<CommandReport>, poll: Poll) =>
    attempt((io) => call({ ...io, lasting: { ...io.lasting, poll } }));
  const begin = (worker: SupervisedCommands, spec: CommandSpec, yieldMs = 0) =>
    withPoll((io) => worker.run(spec, io), looking('start', { isFirst: true, yieldMs })).report;
  const look = (worker: SupervisedCommands, { commandId }: CommandSpec, poll: Poll) =>
    withPoll((io) => worker.attach({ key: 'key', threadId: THREAD, commandId }, io), poll).report;
  /** Writes `begin`, then a line for each file `1`, `2` and so on that appears, and ends at the file `go`. */
  const STEPS = 'echo begin; n=1; until [ -e go ]; do if [ -e $n ]; then echo got $n; n=$((n+1)); fi; sleep 0.02; done';
  const step = (name: string) => writeFileSync(join(workspace, name), '');
  /** Looks until it has said so. */
  const said = async (worker: SupervisedCommands, spec: CommandSpec, text: string): Promise<void> => {
    const watching = attach(worker, spec);
    await watching.said(text);
    watching.leave();
    await expect(watching.report).rejects.toThrow('left');
  };

  it.each(['danger-full-access', 'workspace-write'] as const)(
    'runs on after each look, which gets what is new, until its end, in mode %s',
    async (mode) => {
      const worker = newWorker();
      const spec = specOf(`${STEPS}; echo end; exit 4`, { sandbox: { mode, writableRoots: [], networkAccess: false } });
      expect(await begin(worker, spec)).toMatchObject({ outcome: 'yielded', exitCode: null, gone: false });
      await said(worker, spec, 'begin');
      expect(await look(worker, spec, looking('1', { yieldMs: 0 }))).toMatchObject({
        output: 'begin\n',
        outputBytes: 6,
      });
      step('1');
      await said(worker, spec, 'got 1');
      expect(await look(worker, spec, looking('2', { yieldMs: 0 }))).toMatchObject({ output: 'got 1\n' });
      expect(await look(worker, spec, looking('3', { yieldMs: 0 }))).toMatchObject({ output: '' });
      const last = look(worker, spec, looking('4'));
      go();
      expect(await last).toMatchObject({
        ...{ outcome: 'exited', exitCode: 4, gone: true },
        ...{ output: 'end\n', whole: 'begin\ngot 1\nend\n' },
      });
    },
  );

  it('answers a repeated look as it did the first time, also to another worker, and after its end', async () => {
    const [worker, next] = [newWorker(), newWorker()];
    const spec = specOf(STEPS);
    await begin(worker, spec);
    await said(worker, spec, 'begin');
    const first = await look(worker, spec, looking('1', { yieldMs: 0 }));
    expect(first).toMatchObject({ output: 'begin\n' });
    expect(await look(next, spec, looking('1', { yieldMs: 0 }))).toEqual(first);
    go();
    const ended = await look(next, spec, looking('2'));
    expect(ended).toMatchObject({ outcome: 'exited', exitCode: 0, output: '' });
    expect(await look(worker, spec, looking('2'))).toEqual(ended);
  });

  it('keeps for the next look what one that nobody waits for any longer would have taken', async () => {
    const worker = newWorker();
    const spec = specOf(STEPS);
    await begin(worker, spec);
    const left = withPoll(
      (io) => worker.attach({ key: 'key', threadId: THREAD, commandId: spec.commandId }, io),
      looking('1', { yieldMs: 1 }),
    );
    left.leave();
    await expect(left.report).rejects.toThrow('left');
    await said(worker, spec, 'begin');
    const [old, own] = [looking('2', { yieldMs: 60_000 }), looking('3', { yieldMs: 0 })];
    const waiting = withPoll(
      (io) => worker.attach({ key: 'key', threadId: THREAD, commandId: spec.commandId }, io),
      old,
    );
    await waiting.said('begin');
    waiting.leave();
    expect((await look(worker, spec, own)).outcome).toBe('yielded');
    go();
    expect(await look(worker, spec, looking('4'))).toMatchObject({ whole: 'begin\n' });
  });

  it('that ends within the first look has its whole output, as much as was asked for', async () => {
    const worker = newWorker();
    expect(await begin(worker, specOf('echo all; exit 2'), 60_000)).toMatchObject({
      ...{ outcome: 'exited', exitCode: 2, output: 'all\n' },
    });
    const first = looking('start', { isFirst: true, maxOutputBytes: 100 });
    const long = await withPoll(
      (io) => worker.run(specOf('seq 1 1000'), { ...io, lasting: { ...io.lasting, key: 'k' } }),
      first,
    ).report;
    expect(long).toMatchObject({
      truncated: true,
      output: expect.stringMatching(/^1\n2\n[^]* omitted …\n[^]*1000\n$/) as string,
    });
  });

  it.each(['danger-full-access', 'workspace-write'] as const)('is interrupted by ^C, in mode %s', async (mode) => {
    const worker = newWorker();
    const sandbox = { mode, writableRoots: [], networkAccess: false };
    const spec = specOf('trap "echo interrupted; exit 5" INT; echo ready; while :; do sleep 0.05; done', { sandbox });
    await begin(worker, spec);
    await said(worker, spec, 'ready');
    expect(await look(worker, spec, looking('c', { chars: '\u0003' }))).toMatchObject({
      ...{ outcome: 'exited', exitCode: 5, whole: 'ready\ninterrupted\n' },
    });
  });

  it('has nothing to read, so one that would read for ever does not wait', async () => {
    expect(await begin(newWorker(), specOf('cat; echo read; read line || echo end'), 60_000)).toMatchObject({
      output: 'read\nend\n',
    });
  });

  it('keeps the head and the tail of a flood between two looks, in bounded memory', async () => {
    const worker = newWorker();
    const spec = specOf('yes | head -c 100000000; echo end; until [ -e go ]; do sleep 0.02; done');
    await begin(worker, spec);
    await said(worker, spec, 'end');
    const flood = await look(worker, spec, looking('1', { yieldMs: 0, maxOutputBytes: 1_000 }));
    expect(flood).toMatchObject({ outcome: 'yielded', truncated: true });
    expect(flood.output).toMatch(/^(y\n)+… [\d,]+ bytes [^]*end\n$/);
    expect(flood.output.length).toBeLessThan(1_200);
    const memory = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${await supervisorPid()}/status`, 'utf8'))?.[1];
    expect(Number(memory)).toBeLessThan(300_000);
  });

  it('and is a server in a sandbox is reached by a Unix socket from other commands, and not by its port', async () => {
    const worker = newWorker();
    const sandbox = { mode: 'workspace-write' as const, writableRoots: [], networkAccess: false };
    const serve = (where: string) => `net.createServer((one) => one.end('served')).listen(${where})`;
    const read = (where: string) =>
      `net.connect(${where}).on('error', (error) => console.log(error.code)).on('data', (text) => console.log(String(text)))`;
    const node = (script: string) => `'${process.execPath}' -e "const net = require('node:net'); ${script}"`;
    const server = specOf(node(`${serve("'s.sock'")}; ${serve("18080, '127.0.0.1', () => console.log('up')")}`), {
      sandbox,
    });
    await begin(worker, server);
    await said(worker, server, 'up');
    const client = specOf(node(`${read("'s.sock'")}; ${read("18080, '127.0.0.1'")}`), { sandbox });
    const { output } = await start(worker, client, 'client').report;
    expect(output.trim().split('\n').sort()).toEqual(['ECONNREFUSED', 'served']);
  });

  it('is stopped at its deadline, with proof', async () => {
    const worker = newWorker();
    const spec = specOf('echo $$ > pid; sleep 1000', { timeoutMs: 3_000 });
    await begin(worker, spec);
    expect(await attach(worker, spec).report).toMatchObject({ outcome: 'timedOut', gone: true });
    expect(isRunning(readPid(join(workspace, 'pid')))).toBe(false);
  });
});

describe.each(['danger-full-access', 'workspace-write'] as const)('a command with a terminal, in mode %s', (mode) => {
  const typing = (id: string, chars: string): Poll => ({
    ...{ id, isFirst: id === 'start', chars, yieldMs: 0, maxOutputBytes: 16_384 },
  });
  const withTerminal = (command: string) =>
    specOf(command, { terminal: true, sandbox: { mode, writableRoots: [], networkAccess: false } });
  /** Starts it; `type` looks at it at once. */
  async function open(command: string) {
    const worker = newWorker();
    const spec = withTerminal(command);
    const place = { key: spec.commandId, threadId: THREAD, commandId: spec.commandId };
    const poll = (io: Required<CommandIo>, id: string, chars: string) => ({
      ...{ ...io, lasting: { ...io.lasting, key: place.key, poll: typing(id, chars) } },
    });
    let looks = 0;
    await attempt((io) => worker.run(spec, poll(io, 'start', ''))).report;
    const type = (chars: string) => attempt((io) => worker.attach(place, poll(io, `${looks++}`, chars))).report;
    return { watching: attach(worker, spec, place.key), type };
  }
  /** Types each text once the output has what comes before it, and returns the report of its end. */
  async function converse(command: string, ...lines: [after: string, chars: string][]): Promise<CommandReport> {
    const { watching, type } = await open(command);
    for (const [after, chars] of lines) {
      await watching.said(after);
      await type(chars);
    }
    return watching.report;
  }

  it('has a real one, with a size that it may change, and reads what is typed', async () => {
    const command = 'tty; stty size; stty rows 50 cols 200; stty size; read -p "name? " name; echo "hi $name"; exit 3';
    const report = await converse(command, ['name? ', 'Ada\n']);
    expect(report).toMatchObject({ outcome: 'exited', exitCode: 3, gone: true });
    expect(report.output).toMatch(/^\/dev\/pts\/\d+\n24 120\n50 200\nname\? Ada\nhi Ada\n$/);
  });

  it('is interrupted by ^C in its foreground job alone, and ends at ^D', async () => {
    const { output, exitCode, gone } = await converse(
      'PS1="ready> " bash --norc --noprofile -i',
      ['ready> ', 'sleep 1000 & sleep 2000; echo "got $?"\n'],
      ['sleep 2000', '\u0003'],
      ['^C', 'jobs; echo alive-$((40 + 2))\n'],
      ['alive-42', 'kill %1; exit 5\n'],
    );
    expect(output).toContain('sleep 1000 &\n');
    expect({ exitCode, gone }).toEqual({ exitCode: 5, gone: true });
    const ended = await converse('cat; echo bye', ['', 'one\n'], ['one\none\n', '\u0004']);
    expect(ended).toMatchObject({ exitCode: 0, output: 'one\none\nbye\n' });
  });

  it('gets control characters and invalid ones as they were sent', async () => {
    const command = 'stty raw -echo; printf go; head -c 8 | od -An -tx1';
    expect(await converse(command, ['go', '\u0000\u0001\u001b\u007f\u0003é\ud800'])).toMatchObject({
      output: expect.stringContaining('00 01 1b 7f 03 c3 a9 ef') as string,
    });
  });

  it('that floods it keeps head and tail', async () => {
    const { output } = await converse('yes | head -c 20000000; echo end; read line', ['end', '\n']);
    expect(output).toMatch(/^(y\n)+… [\d,]+ bytes [^]*end\n\n$/);
  });

  it('that reads nothing is not sent more than may wait for it', async () => {
    const { watching, type } = await open('stty raw -echo; printf deaf; until [ -e go ]; do sleep 0.02; done');
    await watching.said('deaf');
    const looks: CommandReport[] = [];
    // More than the pipes to the terminal can hold, however much of it they have taken.
    for (let left = 30; left > 0; left -= 1) looks.push(await type('x'.repeat(16_000)));
    expect(looks[0]?.output).not.toContain('not sent');
    // Not always the last one: the pipes may have taken more meanwhile.
    const refused = '[not sent: the command has not read what was sent before]';
    expect(looks.some(({ output }) => output.includes(refused))).toBe(true);
    go();
    expect(await watching.report).toMatchObject({ outcome: 'exited', exitCode: 0, gone: true });
  });

  it('ends with everything that it has started, when it is stopped', async () => {
    const worker = newWorker();
    const spec = withTerminal('(setsid sleep 1000 &) ; nohup sleep 1000 & echo ready; sleep 1000');
    const running = start(worker, spec);
    await running.said('ready');
    running.stop();
    expect(await running.report).toMatchObject({ outcome: 'aborted', gone: true });
    expect(markedBy(spec.commandId)).toEqual([]);
  });
});

describe('supervisors', () => {
  it('that are started at the same moment end up as one', async () => {
    const commands = Array.from({ length: 4 }, (_, index) => start(newWorker(), specOf(`echo ${index}`), `${index}`));
    const outputs = await Promise.all(commands.map(async ({ report }) => (await report).output));
    expect(outputs).toEqual(['0\n', '1\n', '2\n', '3\n']);
    await vi.waitFor(() => expect(supervisors()).toHaveLength(1), 20_000);
  });

  it('end with their commands when no worker is left that stays, on request', async () => {
    const worker = newWorker();
    const running = start(worker, specOf(waiting()));
    await running.said('before');
    await worker.close();
    await endSupervisors(state);
    expect(isRunning(readPid(join(workspace, 'pid')))).toBe(false);
    await expect(running.report).rejects.toMatchObject({ code: 'commandLost' });
  });

  it('end with their commands when they are told to by a signal', async () => {
    const running = start(newWorker(), specOf(waiting()));
    await running.said('before');
    process.kill(await supervisorPid(), 'SIGTERM');
    await expect(running.report).rejects.toMatchObject({ code: 'commandLost' });
    expect(isRunning(readPid(join(workspace, 'pid')))).toBe(false);
  });

  it('serve a data folder however long its path is', async () => {
    state = join(folder, 'a'.repeat(120), 'state');
    expect(await start(newWorker(), specOf('echo far')).report).toMatchObject({ output: 'far\n' });
  });

  /** All that is answered to these lines; the last one is sent when a proof is asked for, after the proof is made. */
  async function answersTo(line: string, then?: { makes: boolean; line: string }): Promise<string> {
    const at = join(state, 'supervisors');
    const client = connect(join(at, supervisors()[0]!));
    client.on('error', () => undefined);
    client.write(line);
    let text = '';
    for await (const chunk of client) {
      text += String(chunk);
      const [, file = ''] = /"prove","file":"([^"]+)"/.exec(String(chunk)) ?? [];
      if (file === '') continue;
      if (then?.makes === true) writeFileSync(join(at, file), '');
      client.write(then?.line ?? 'nonsense\n');
    }
    return text;
  }
  const PROVED = '{"type":"proved"}\n';

  it('close the connection of whoever sends nonsense, and refuse a request of a later release', async () => {
    await start(newWorker(), specOf('true')).report;
    expect(await answersTo('nonsense\n')).toBe('');
    expect(await answersTo('null\n')).toMatch(/^.*\n$/);
    expect(await answersTo('{"type":"later"}\n', { makes: true, line: PROVED })).toContain('does not know the request');
  });

  it('do nothing for a client that cannot make a file in their folder, however much it sends', async () => {
    await start(newWorker(), specOf('true')).report;
    const spec = specOf('echo ran >> count');
    const request = `${JSON.stringify({ type: 'run', key: 'other', spec })}\n`;
    const asked = /^\{"type":"prove","file":"proof-[0-9a-f-]+"\}\n$/;
    expect(await answersTo(request, { makes: false, line: PROVED })).toMatch(asked);
    expect(await answersTo(request, { makes: true, line: request.repeat(20) })).toMatch(asked);
    expect(existsSync(join(workspace, 'count'))).toBe(false);
    expect(await answersTo(request, { makes: true, line: PROVED + PROVED })).toContain('"exitCode":0');
    expect(count()).toBe('ran\n');
    expect(readdirSync(join(state, 'supervisors')).filter((name) => name.startsWith('proof'))).toEqual([]);
  });

  it('are found by sandboxes however long their path is', async () => {
    state = join(folder, 'a'.repeat(120), 'state');
    await start(newWorker(), specOf('true')).report;
    const sockets = supervisors().map((name) => join(state, 'supervisors', name));
    expect(sockets).toHaveLength(1);
    expect(listOutsideSockets()).toEqual(expect.arrayContaining(sockets));
  });
});

describe('reports', () => {
  const end = { type: 'failed', code: 'internal', message: 'm' } as const;
  const writeOld = () => {
    createReports(state).write(THREAD, 'old', end);
    const folders = join(state, 'supervisors', 'reports');
    for (const entry of readdirSync(folders, { recursive: true, withFileTypes: true }))
      if (entry.isFile()) utimesSync(join(entry.parentPath, entry.name), 0, Date.now() / 1_000 - 3_601);
    return () => readdirSync(folders).length;
  };

  it('are not given when they are older than an hour, although nothing has removed them', () => {
    writeOld();
    createReports(state).write(THREAD, 'new', end);
    expect(['old', 'new'].map((key) => createReports(state).read(THREAD, key)?.type)).toEqual([undefined, 'failed']);
  });

  it('are removed by a supervisor that begins, before any command ends', async () => {
    const left = writeOld();
    const running = start(newWorker(), specOf('until [ -e go ]; do sleep 0.02; done'));
    await expect.poll(left, { timeout: 20_000 }).toBe(0);
    writeFileSync(join(workspace, 'go'), '');
    await running.report;
  });

  it('are removed again and again while no command ends', async () => {
    vi.useFakeTimers({ toFake: ['setInterval'] });
    try {
      await createReports(state).keepPruned();
      const left = writeOld();
      vi.advanceTimersByTime(60_000);
      await vi.waitFor(() => expect(left()).toBe(0), 10_000);
    } finally {
      vi.useRealTimers();
    }
  });

  it('are removed when they are old or too many, the oldest first', async () => {
    const reports = createReports(state);
    const end = { type: 'failed', code: 'internal', message: 'm'.repeat(24 * 1024 * 1024) } as const;
    for (const key of ['1', '2', '3']) reports.write(THREAD, key, end);
    const files = () => readdirSync(join(state, 'supervisors', 'reports'), { recursive: true, withFileTypes: true });
    const now = Date.now();
    for (const entry of files().filter((one) => one.isFile()))
      utimesSync(join(entry.parentPath, entry.name), now / 1_000, now / 1_000);
    await reports.prune(now + 1_000);
    expect(['1', '2', '3'].filter((key) => reports.read(THREAD, key) !== undefined)).toHaveLength(2);
    await reports.prune(now + 3_601_000);
    expect(files()).toEqual([]);
  });
});

async function supervisorPid(): Promise<number> {
  const marker = Buffer.from(`BOBBIN_DATA_DIR=${state}\0`);
  return vi.waitFor(() => {
    const found = readdirSync('/proc').find((pid) => /^\d+$/.test(pid) && environmentOf(pid).includes(marker));
    if (found === undefined) throw new Error('no supervisor runs');
    return Number(found);
  });
}

/** Living processes of a command. */
function markedBy(commandId: string): string[] {
  const marker = Buffer.from(`BOBBIN_COMMAND_ID=${commandId}\0`);
  const all = readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && environmentOf(pid).includes(marker));
  return all.filter((pid) => isRunning(Number(pid)));
}

function environmentOf(pid: string): Buffer {
  try {
    return readFileSync(`/proc/${pid}/environ`);
  } catch {
    return Buffer.alloc(0);
  }
}
