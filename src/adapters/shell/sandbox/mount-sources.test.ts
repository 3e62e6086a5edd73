import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
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
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findProgram } from '../../programs.ts';
import { probeBubblewrap } from './bubblewrap.ts';
import { createCommandRunner } from '../command-runner.ts';
import { MountChanged, openMountSources } from './mount-sources.ts';

const bubblewrap = findProgram('bwrap', []) ?? '';
const state = await probeBubblewrap(bubblewrap === '' ? undefined : bubblewrap);

/** Not below /tmp, of which a sandbox has its own. */
let home: string;
let workspace: string;
let outside: string;
beforeEach(() => {
  const cache = realpathSync(process.cwd()).startsWith('/tmp/')
    ? homedir()
    : join(process.cwd(), 'node_modules/.cache');
  mkdirSync(cache, { recursive: true });
  home = realpathSync(mkdtempSync(join(cache, 'mount-sources-')));
  [workspace, outside] = [join(home, 'workspace'), join(home, 'outside')];
  for (const folder of [workspace, outside]) mkdirSync(folder);
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function replaceWorkspace(): void {
  renameSync(workspace, join(home, 'moved'));
  symlinkSync('outside', workspace);
}

describe('what is opened to be mounted', () => {
  it('is not what a link leads to, be it the last part of the path or one before', () => {
    replaceWorkspace();
    mkdirSync(join(outside, 'folder'));
    const sources = openMountSources(3);
    for (const path of [workspace, join(workspace, 'folder'), join(workspace, 'missing')])
      expect(() => sources.bind('--bind', path)).toThrow(MountChanged);
    expect(sources.bind('--ro-bind', outside).slice(0, 1)).toEqual(['--ro-bind-fd']);
    sources.close();
  });

  it.runIf(state.available && state.takesDescriptors)('stays what is mounted if a link takes its place', () => {
    const sources = openMountSources(3);
    const args = sources.bind('--bind', workspace);
    replaceWorkspace();
    const command = ['--ro-bind', '/', '/', ...args, '--', 'sh', '-c', `echo MARKER > ${workspace}/planted`];
    spawnSync(bubblewrap, command, { stdio: ['ignore', 'ignore', 'ignore', ...sources.descriptors] });
    sources.close();
    expect(readdirSync(outside)).toEqual([]);
  });
});

describe.runIf(state.available)('a command', () => {
  /** Starts bubblewrap after it has run a line of shell, once. */
  async function runBehind(line: string, command: string) {
    const programs = join(home, 'programs');
    mkdirSync(programs);
    const flag = join(home, 'flag');
    const script = `#!/bin/sh\nif [ -e '${flag}' ]; then rm '${flag}'; ${line}; fi\nexec '${bubblewrap}' "$@"\n`;
    writeFileSync(join(programs, 'bwrap'), script, { mode: 0o755 });
    const path = process.env['PATH'];
    process.env['PATH'] = `${programs}:${path}`;
    try {
      const runner = createCommandRunner({ stateDirectory: join(home, 'state') });
      const sandbox = { mode: 'workspace-write' as const, writableRoots: [], networkAccess: false };
      const place = { threadId: 'thread', cwd: workspace, workspace, root: workspace, sandbox };
      const run = (commandId: string, text: string) =>
        runner.run(
          { ...place, commandId, command: text, timeoutMs: 20_000, maxOutputBytes: 4_000 },
          { signal: new AbortController().signal, onOutput: () => undefined },
        );
      await run('probe', 'true');
      writeFileSync(flag, '');
      return await run('command', command);
    } finally {
      process.env['PATH'] = path;
    }
  }

  it('runs once if what was to be hidden is gone before its sandbox stands', async () => {
    const address = join(outside, 'socket');
    const server = createServer().listen(address);
    await once(server, 'listening');
    const report = await runBehind(`rm '${address}'`, 'echo ran | tee -a ran');
    server.close();
    expect(report).toMatchObject({ outcome: 'exited', exitCode: 0, output: 'ran\n', gone: true });
    expect(readFileSync(join(workspace, 'ran'), 'utf8')).toBe('ran\n');
  });

  it('does not run again if it ends with the code of a sandbox that could not be made', async () => {
    const report = await runBehind('true', 'echo ran | tee -a ran; echo "bwrap: not really"; exit 1');
    expect(report).toMatchObject({ exitCode: 1, output: 'ran\nbwrap: not really\n' });
    expect(readFileSync(join(workspace, 'ran'), 'utf8')).toBe('ran\n');
  });

  it('writes to the folder that it was started for if a link takes its place before the sandbox stands', async () => {
    const swap = `mv '${workspace}' '${home}/moved'; ln -s outside '${workspace}'`;
    await runBehind(swap, 'echo MARKER > planted').catch(() => undefined);
    expect(readdirSync(outside)).toEqual([]);
  });

  it('is protected from a folder on the way to a mount that is replaced before its sandbox stands', async () => {
    mkdirSync(join(workspace, 'a/b'), { recursive: true });
    mkdirSync(join(outside, 'b'));
    process.env['BOBBIN_DENY_READ'] = join(workspace, 'a/b');
    try {
      const swap = `mv '${workspace}/a' '${workspace}/moved'; ln -s '${outside}' '${workspace}/a'`;
      const report = await runBehind(swap, 'echo MARKER > a/planted; echo ran');
      expect(report.output).toMatch(/ran\n$/);
      expect(existsSync(join(outside, 'planted'))).toBe(false);
    } finally {
      delete process.env['BOBBIN_DENY_READ'];
    }
  });
});
