/** How a command is started: by a shell, in a sandbox unless it has full access. */
import { randomUUID } from 'node:crypto';
import { closeSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CommandSpec } from '../../../activities/ports.ts';
import { findProgram } from '../programs.ts';
import { toBubblewrapArguments } from './bubblewrap.ts';
import { buildCommandEnvironment } from './command-environment.ts';
import { listDeniedPaths } from './denied-paths.ts';
import { findGitFolders } from './git-folders.ts';
import type { Launch } from './leader.ts';
import { type CommandLimits, toShellLimits } from './limits.ts';
import { toForwarder, toProxyVariables } from './network-forwarder.ts';
import { listOutsideSockets } from './outside-sockets.ts';
import { REAPER_MARKER } from './process-table.ts';
import { findReaper } from './reaper.ts';
import type { Scratch } from './scratch.ts';
import { buildSeccompFilter } from './seccomp.ts';

export interface Launcher {
  /** With what must be closed once the process has it. Throws what the file system says. */
  prepare(spec: CommandSpec, sandbox: SandboxParts | undefined): { launch: Launch; close: () => void };
}

export interface SandboxParts {
  /** Path of the program. */
  bubblewrap: string;
  scratch: Scratch;
  /** Socket of the proxy, if commands may reach named hosts. */
  proxy: string | undefined;
}

export interface LauncherOptions {
  /** Absolute; holds the filter of system calls. */
  stateDirectory: string;
  /** Absolute; what no command in a sandbox can look into. */
  hiddenFolders: readonly string[];
  limits: CommandLimits;
}

/** Every thread has its own of these. */
const PRIVATE_FOLDERS = ['/tmp', '/var/tmp'];

/** The first descriptor after the standard ones. */
const FILTER_FD = 3;
const SCRIPT_FD = 4;
/** Of 128 KiB that Linux takes. */
const MAX_ARGUMENT_BYTES = 120 * 1024;

export function createLauncher({ stateDirectory, hiddenFolders, limits }: LauncherOptions): Launcher {
  const denied = listDeniedPaths();
  const filter = buildSeccompFilter();
  const filterFile = join(stateDirectory, 'seccomp.bpf');
  const blank = join(stateDirectory, 'blank');
  let written = false;

  const writeOnce = (): void => {
    if (written) return;
    writeWhole(stateDirectory, blank, Buffer.alloc(0));
    if (filter !== undefined) writeWhole(stateDirectory, filterFile, filter);
    written = true;
  };
  const toSandbox = (spec: CommandSpec, { bubblewrap, scratch, proxy }: SandboxParts): string[] => {
    const args = toBubblewrapArguments(spec.sandbox, {
      cwd: spec.cwd,
      workspace: spec.workspace,
      root: spec.root,
      hidden: [...denied, ...listOutsideSockets(), ...hiddenFolders],
      shown: [
        ...findGitFolders(spec.root ?? spec.workspace, [...PRIVATE_FOLDERS, ...hiddenFolders]),
        ...(proxy === undefined ? [] : [process.execPath]),
      ],
      scratch,
      blank,
      proxy,
      filter: filter === undefined ? undefined : FILTER_FD,
    });
    return [bubblewrap, ...args, ...(proxy === undefined ? [] : toForwarder())];
  };
  return {
    prepare(spec, sandbox) {
      writeOnce();
      const { argv, script } = toShell(spec, sandbox, limits);
      const environment = {
        ...buildCommandEnvironment(process.env, spec.commandId),
        ...(sandbox?.proxy === undefined ? {} : toProxyVariables()),
      };
      const scriptFd = script === undefined ? null : openScript(stateDirectory, script);
      const reaper = sandbox === undefined ? findReaper(spec.workspace) : undefined;
      const filterFd = sandbox === undefined || filter === undefined ? null : openSync(filterFile, 'r');
      return {
        launch: {
          argv: [...(sandbox === undefined ? (reaper ?? []) : toSandbox(spec, sandbox)), ...argv],
          // The folder that the command starts in may be there in the sandbox only.
          cwd: sandbox === undefined ? spec.cwd : '/',
          environment: reaper === undefined ? environment : { ...environment, [REAPER_MARKER]: spec.commandId },
          files: [filterFd, scriptFd],
          isReaper: reaper !== undefined,
        },
        close: () => {
          for (const fd of [filterFd, scriptFd]) if (fd !== null) closeSync(fd);
        },
      };
    },
  };
}

/** A command that is too long for an argument is read from a descriptor. */
function toShell(
  { command, workspace }: CommandSpec,
  sandbox: SandboxParts | undefined,
  limits: CommandLimits,
): { argv: string[]; script?: string } {
  const bash = findProgram('bash', [workspace]);
  // Without a sandbox, all processes of the user would count, and to root that limit does not apply.
  const countsProcesses = sandbox !== undefined && process.getuid?.() !== 0;
  const before = bash === undefined ? '' : toShellLimits(limits, countsProcesses);
  const shell = [bash ?? '/bin/sh', '-c'];
  if (Buffer.byteLength(command) <= MAX_ARGUMENT_BYTES) return { argv: [...shell, `${before}${command}`] };
  return { argv: [...shell, `${before}. /dev/fd/${SCRIPT_FD}`], script: `exec ${SCRIPT_FD}<&-; ${command}` };
}

/** The file has no name any more once this returns, so nobody can change what was approved. */
function openScript(folder: string, text: string): number {
  const file = join(folder, `script-${randomUUID()}`);
  writeFileSync(file, text, { mode: 0o600, flag: 'wx' });
  try {
    return openSync(file, 'r');
  } finally {
    rmSync(file);
  }
}

/** Another worker on this folder may read it at any moment. */
function writeWhole(folder: string, file: string, bytes: Buffer): void {
  mkdirSync(folder, { recursive: true });
  const part = `${file}.${process.pid}`;
  writeFileSync(part, bytes, { mode: 0o600 });
  renameSync(part, file);
}
