import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SandboxPolicy } from '../../../../activities/ports.ts';
import { findProgram } from '../../programs.ts';
import { probeBubblewrap } from './bubblewrap.ts';
import { createTestBench, detach } from '../test-bench.ts';

const state = await probeBubblewrap(findProgram('bwrap', []));
const bench = createTestBench();
afterAll(() => bench[Symbol.dispose]());

const readOnly: SandboxPolicy = { mode: 'read-only', writableRoots: [], networkAccess: false };
const workspaceWrite: SandboxPolicy = { mode: 'workspace-write', writableRoots: [], networkAccess: false };
const inWorkspace = (name: string): string => join(bench.workspace, name);

describe.runIf(state.available)('a command in the sandbox', () => {
  beforeAll(() => {
    mkdirSync(inWorkspace('.git'));
    mkdirSync(join(bench.folder, 'outside'));
    writeFileSync(join(bench.folder, 'outside', 'file'), 'theirs');
  });

  it('writes in the workspace and nowhere else in mode workspace-write', async () => {
    using place = createFolderOutsideTmp();
    const outside = join(place.path, 'file');
    const report = await bench.run(`echo mine > inside; echo bad > ${outside}; echo bad > /usr/written; echo done`, {
      sandbox: workspaceWrite,
    });
    expect(report).toMatchObject({ outcome: 'exited', exitCode: 0, gone: true });
    expect(report.output).toMatch(/Read-only file system[^]*Read-only file system[^]*done/);
    expect(readFileSync(inWorkspace('inside'), 'utf8')).toBe('mine\n');
    expect([existsSync(outside), existsSync('/usr/written')]).toEqual([false, false]);
  });

  it('writes in the writable roots of the policy', async () => {
    using place = createFolderOutsideTmp();
    const command = `echo more > ${place.path}/file && echo written; echo bad > ${place.path}/.codex/file`;
    const closed = await bench.run(command, { sandbox: workspaceWrite });
    const open = await bench.run(command, { sandbox: { ...workspaceWrite, writableRoots: [place.path] } });
    expect(closed.output).not.toContain('written');
    expect(open.output).toMatch(/^written\n[^]*Read-only file system\n$/);
  });

  it('leaves .git alone in mode workspace-write', async () => {
    const report = await bench.run('echo bad > .git/config; rm -rf .git; mv .git other', { sandbox: workspaceWrite });
    expect(report.output).toContain('Read-only file system');
    expect([existsSync(inWorkspace('.git')), existsSync(inWorkspace('.git/config'))]).toEqual([true, false]);
  });

  it.each(['.git', '.codex', '.bobbin'])(
    'cannot replace a %s that is a link, and reads nothing by it',
    async (name) => {
      using place = createTestBench();
      const [link, target] = [join(place.workspace, name), join(place.folder, 'target')];
      mkdirSync(target);
      symlinkSync(target, link);
      const replaced = `rm -rf ${name}; mv ${name} other; ln -sfn x ${name}; echo bad > ${name}; mkdir ${name}; touch own`;
      const report = await place.run(`${replaced}; cat ${name}`, { sandbox: workspaceWrite });
      expect(report.output).toMatch(/rm: .*busy\n[^]*Read-only file system/);
      expect(readlinkSync(link)).toBe(target);
      expect([readdirSync(target), readdirSync(place.workspace)]).toEqual([[], [name, 'own']]);
      expect(report.output.includes(`gitdir: ${target}\n`)).toBe(name === '.git');
    },
  );

  it('works with a repository that .git is a link to, in the workspace or elsewhere, and leaves it alone', async () => {
    using place = createFolderOutsideTmp();
    for (const at of ['store', '../store']) {
      const workspace = mkdtempSync(join(place.path, 'workspace-'));
      const store = join(workspace, at);
      execFileSync('git', ['init', '-q', join(place.path, 'new')]);
      renameSync(join(place.path, 'new/.git'), store);
      symlinkSync(at, join(workspace, '.git'));
      const where = { workspace, cwd: workspace, root: workspace };
      const read = await bench.run('git rev-parse --show-toplevel', { ...where, sandbox: readOnly });
      const command = 'git rev-parse --show-toplevel; git config a.b c';
      const wrote = await bench.run(command, { ...where, sandbox: workspaceWrite });
      const failed = expect.stringMatching(`^${workspace}\nerror: .*Read-only`) as string;
      expect([read.output, wrote.output]).toEqual([`${workspace}\n`, failed]);
    }
  });

  it('protects the folders in the workspace that its .git names', async () => {
    using place = createTestBench();
    const { workspace } = place;
    mkdirSync(join(workspace, 'deep'));
    execFileSync('git', ['init', '-q', '--separate-git-dir', join(workspace, 'deep/store'), workspace]);
    const command =
      'git config a.b c; echo bad > deep/store/config; mv deep/store deep/other; mv deep other; touch own';
    const report = await place.run(command, { sandbox: workspaceWrite, root: workspace });
    expect(report.output).toMatch(/Read-only file system[^]*busy/);
    expect([readdirSync(join(workspace, 'deep')), existsSync(join(workspace, 'own'))]).toEqual([['store'], true]);
    expect(readFileSync(join(workspace, 'deep/store/config'), 'utf8')).not.toMatch(/bad|= c/);
  });

  it('shows nothing that is hidden for a .git of the workspace that leads there', async () => {
    mkdirSync(bench.hiddenFolder, { recursive: true });
    writeFileSync(join(bench.hiddenFolder, 'key'), 'very secret');
    rmSync(inWorkspace('.git'), { recursive: true });
    try {
      for (const target of [bench.hiddenFolder, join(bench.hiddenFolder, 'key')]) {
        symlinkSync(target, inWorkspace('.codex'));
        const { output } = await bench.run('cat .codex .codex/* hidden hidden/*; echo looked', {
          sandbox: workspaceWrite,
        });
        expect(output).toMatch(/looked\n$/);
        expect(output).not.toContain('secret');
        rmSync(inWorkspace('.codex'));
      }
    } finally {
      mkdirSync(inWorkspace('.git'));
      rmSync(bench.hiddenFolder, { recursive: true });
    }
  });

  it('does not make a working directory outside of the workspace writable', async () => {
    using place = createFolderOutsideTmp();
    const report = await bench.run('echo bad > file', { sandbox: workspaceWrite, cwd: place.path });
    expect(report).toMatchObject({ exitCode: 1, output: expect.stringContaining('Read-only file system') as string });
  });

  it('runs nothing in any mode if the workspace is not where it was when the thread began', async () => {
    using place = createTestBench();
    const way = inWorkspace('way');
    symlinkSync(place.workspace, way);
    for (const sandbox of [workspaceWrite, readOnly, { ...workspaceWrite, mode: 'danger-full-access' as const }]) {
      const more = { sandbox, workspace: way, cwd: way };
      await expect(bench.run('touch written', { ...more, root: way })).rejects.toMatchObject({
        code: 'workspaceMoved',
        details: { path: way, root: way, now: place.workspace },
      });
    }
    expect(existsSync(join(place.workspace, 'written'))).toBe(false);
    const same = { sandbox: workspaceWrite, workspace: way, cwd: way, root: place.workspace };
    expect(await bench.run('touch written', same)).toMatchObject({ exitCode: 0 });
    expect(existsSync(join(place.workspace, 'written'))).toBe(true);
  });

  it('makes nothing more writable or readable by a working directory that is a link out of the workspace', async () => {
    using place = createTestBench();
    symlinkSync(place.workspace, inWorkspace('out'));
    symlinkSync(bench.hiddenFolder, inWorkspace('to-hidden'));
    mkdirSync(bench.hiddenFolder, { recursive: true });
    writeFileSync(join(bench.hiddenFolder, 'secret'), 'SECRET');
    const wrote = await bench.run('echo bad > file', { sandbox: workspaceWrite, cwd: inWorkspace('out') });
    const read = await bench.run('cat secret', { sandbox: workspaceWrite, cwd: inWorkspace('to-hidden') });
    expect(wrote.exitCode).not.toBe(0);
    expect(existsSync(join(place.workspace, 'file'))).toBe(false);
    expect(read.output).not.toContain('SECRET');
  });

  it.each([workspaceWrite, readOnly])('finds a hidden folder empty in mode $mode', async (sandbox) => {
    mkdirSync(bench.hiddenFolder, { recursive: true });
    writeFileSync(join(bench.hiddenFolder, 'key'), 'very secret');
    const report = await bench.run('cat hidden/key; find . -name key; grep -r very .; echo looked', { sandbox });
    expect(report.output).toMatch(/No such file[^]*looked\n$/);
    expect(report.output).not.toContain('secret');
    expect(readFileSync(join(bench.hiddenFolder, 'key'), 'utf8')).toBe('very secret');
    rmSync(bench.hiddenFolder, { recursive: true });
  });

  it.each(['/tmp', '/var/tmp', '/dev/shm'])(
    'works in a folder of its own %s, once a command has made it',
    async (temp) => {
      const cwd = `${temp}/made-by-a-command`;
      await expect(bench.run('true', { sandbox: readOnly, cwd })).rejects.toMatchObject({ code: 'workspaceMissing' });
      await bench.run(`mkdir ${cwd}`, { sandbox: readOnly });
      expect((await bench.run('pwd', { sandbox: readOnly, cwd })).output).toBe(`${cwd}\n`);
      expect(existsSync(cwd)).toBe(false);
    },
  );

  it('writes nothing that stays in mode read-only, and has a /tmp of its own', async () => {
    const report = await bench.run(
      'ls; echo bad > written; echo scratch > /tmp/scratch-file && cat /tmp/scratch-file',
      {
        sandbox: readOnly,
      },
    );
    expect(report.output).toMatch(/^inside\n[^]*Read-only file system\nscratch\n$/);
    expect([existsSync(inWorkspace('written')), existsSync('/tmp/scratch-file')]).toEqual([false, false]);
  });

  it('cannot undo the sandbox', async () => {
    const report = await bench.run('mount -o remount,rw,bind / && echo undone; umount -l /tmp && echo undone; true', {
      sandbox: readOnly,
    });
    expect(report).toMatchObject({ exitCode: 0 });
    expect(report.output).not.toContain('undone');
  });

  it('reaches the network only where the policy grants it', async () => {
    const server = createServer((socket) => socket.end()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const connect = `exec 3<>/dev/tcp/127.0.0.1/${String(port)} && echo connected`;
    try {
      const off = await bench.run(connect, { sandbox: readOnly });
      const on = await bench.run(connect, { sandbox: { ...readOnly, networkAccess: true } });
      expect(off.output).not.toContain('connected');
      expect(on.output).toBe('connected\n');
    } finally {
      server.close();
    }
  });

  it('sees no process of the machine', async () => {
    const report = await bench.run(`kill -0 ${String(process.pid)} && echo seen; ls /proc | grep -c '^[0-9]'`, {
      sandbox: readOnly,
    });
    expect(report.output).not.toContain('seen');
    expect(Number(report.output.trim().split('\n').at(-1))).toBeLessThan(8);
  });

  it('gets SIGTERM when it is stopped and may clean up', async () => {
    using patient = createTestBench({ graceMs: 20_000 });
    const report = await patient.runUntilReady(
      'trap "echo cleaned > trace; echo cleaned; exit 0" TERM; echo ready; while :; do sleep 0.01; done',
      { sandbox: workspaceWrite },
    );
    expect(report).toMatchObject({
      outcome: 'aborted',
      output: expect.stringMatching(/^ready\n[^]*cleaned\n$/) as string,
      gone: true,
    });
    expect(report.killed).toBeUndefined();
    expect(readFileSync(join(patient.workspace, 'trace'), 'utf8')).toBe('cleaned\n');
  });

  it('is killed with all that it detached where it ignores SIGTERM', async () => {
    const report = await bench.runUntilReady(
      `trap "" TERM; ${detach('caged')}; echo ready; while :; do sleep 300; done`,
      { sandbox: workspaceWrite },
    );
    const killed = expect.stringMatching(
      /^ready\n\d processes ignored SIGTERM for 100 ms and were killed\.\n$/,
    ) as string;
    expect(report).toMatchObject({ outcome: 'aborted', output: killed, gone: true });
  });

  it('leaves nothing running when it ends by itself', async () => {
    const report = await bench.run(`${detach('left')}; sleep 301 & echo done`, { sandbox: workspaceWrite });
    expect(report).toMatchObject({ outcome: 'exited', exitCode: 0, output: 'done\n', gone: true });
  });

  it('is what the runner says it is', async () => {
    expect(await bench.runner.sandbox()).toMatchObject({ available: true, name: 'bubblewrap' });
  });
});

/** Not below /tmp or /var/tmp, which the sandbox has its own of. */
function createFolderOutsideTmp(): { path: string; [Symbol.dispose](): void } {
  const path = realpathSync(mkdtempSync(join(makeCache(), 'sandbox-')));
  mkdirSync(join(path, '.codex'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

function makeCache(): string {
  const inTmp = realpathSync(process.cwd()).startsWith('/tmp/');
  const cache = inTmp ? homedir() : join(process.cwd(), 'node_modules', '.cache');
  mkdirSync(cache, { recursive: true });
  return cache;
}

describe('a machine without a working sandbox', () => {
  it('says so where bubblewrap is not installed', async () => {
    const path = process.env['PATH'];
    using other = createTestBench();
    const programs = join(bench.folder, 'programs');
    mkdirSync(programs);
    for (const name of ['bash', 'mkfifo']) symlinkSync(`/usr/bin/${name}`, join(programs, name));
    process.env['PATH'] = programs;
    try {
      expect(await other.runner.sandbox()).toMatchObject({ available: false });
      await expect(other.run('true', { sandbox: readOnly })).rejects.toMatchObject({
        code: 'sandboxUnavailable',
        message: expect.stringMatching(/read-only.*apt install bubblewrap.*danger-full-access/s) as string,
      });
    } finally {
      process.env['PATH'] = path;
    }
    expect(await other.run('echo runs')).toMatchObject({ output: 'runs\n' });
  });

  it('says what bubblewrap complained about where it does not work', async () => {
    const program = join(bench.folder, 'bwrap-that-fails');
    writeFileSync(program, '#!/bin/sh\necho "bwrap: No permissions to create new namespace" >&2\nexit 1\n', {
      mode: 0o755,
    });
    expect(await probeBubblewrap(program)).toEqual({
      available: false,
      reason: expect.stringContaining('No permissions to create new namespace') as string,
    });
  });
});
