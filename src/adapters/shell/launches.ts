/** How a command is started: by a shell, in a sandbox unless it has full access. */
import { randomUUID } from 'node:crypto';
import { closeSync, lstatSync, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../../../activities/failures.ts';
import type { CommandSpec } from '../../../activities/ports.ts';
import { writePrivateFileSync } from '../../folders/private-file.ts';
import { findProgram } from '../programs.ts';
import { findProtectedLinks, toBubblewrapArguments } from './sandbox/bubblewrap.ts';
import { buildCommandEnvironment, onlyLoaders, withoutLoaders } from './command-environment.ts';
import { type CoveredLink, toCover } from './sandbox/covered-links.ts';
import { findGitFolders } from './sandbox/git-folders.ts';
import { writeGitLink } from './sandbox/git-links.ts';
import { SANDBOX_STATUS_FD, type Launch } from './processes/leader.ts';
import { type CommandLimits, toShellLimits } from './processes/limits.ts';
import { type MountSources, mountByPath, openMountSources } from './sandbox/mount-sources.ts';
import { toForwarder, toProxyVariables } from './network/network-forwarder.ts';
import { type Hidden, noteHidden } from './sandbox/hidden-watch.ts';
import { listOutsideSockets } from './sandbox/outside-sockets.ts';
import { REAPER_MARKER } from './processes/process-table.ts';
import { findReaper } from './processes/reaper.ts';
import { findTerminal } from './processes/terminal.ts';
import type { Scratch } from './sandbox/scratch.ts';
import { buildSeccompFilter } from './sandbox/seccomp.ts';
import { withoutBareRepositories } from './unasked-git.ts';

export interface Launcher {
  /** Returns what must be closed once the process has it. Throws the error of the file system. */
  prepare(
    spec: CommandSpec,
    sandbox: SandboxParts | undefined,
  ): { launch: Launch; close: () => void; /** What the sandbox hides, as it was before. */ hidden: Hidden };
}

export interface SandboxParts {
  /** Path of the program. */
  bubblewrap: string;
  /** Whether it mounts by descriptor. */
  takesDescriptors: boolean;
  scratch: Scratch;
  /** Socket of the proxy, if commands may reach named hosts. */
  proxy: string | undefined;
}

export interface LauncherOptions {
  /** Absolute; contains the filter of system calls. */
  stateDirectory: string;
  /** Absolute; folders that no command in a sandbox can read. */
  hiddenFolders: readonly string[];
  /** Absolute; folders inside those that every command can read, if they exist and are no links. */
  shownFolders: readonly string[];
  /** Absolute; files and folders that no command in a sandbox can read. */
  deniedPaths: readonly string[];
  limits: CommandLimits;
}

/** Every thread has its own of these. */
const PRIVATE_FOLDERS = ['/tmp', '/var/tmp'];

/** The first descriptor after the standard ones. */
const FILTER_FD = 3;
const SCRIPT_FD = 4;
const FIRST_SOURCE_FD = SANDBOX_STATUS_FD + 1;
/** Linux accepts 128 KiB. */
const MAX_ARGUMENT_BYTES = 120 * 1024;

export function createLauncher({
  stateDirectory,
  hiddenFolders,
  shownFolders,
  deniedPaths,
  limits,
}: LauncherOptions): Launcher {
  const filter = buildSeccompFilter();
  const filterFile = join(stateDirectory, 'seccomp.bpf');
  const blank = join(stateDirectory, 'blank');
  let written = false;

  const writeOnce = (): void => {
    if (written) return;
    mkdirSync(stateDirectory, { recursive: true });
    writePrivateFileSync(blank, '');
    if (filter !== undefined) writePrivateFileSync(filterFile, filter);
    written = true;
  };
  const coverFor = (link: CoveredLink): string => writeGitLink(stateDirectory, link) ?? blank;
  const toSandbox = (
    spec: CommandSpec,
    parts: SandboxParts,
    sources: MountSources,
    variables: Record<string, string>,
    kept: number | undefined,
  ): string[] => {
    const { bubblewrap, scratch, proxy } = parts;
    const workspace = spec.root ?? spec.workspace;
    const args = toBubblewrapArguments(spec.sandbox, {
      cwd: spec.cwd,
      workspace: spec.workspace,
      root: spec.root,
      hidden: [...deniedPaths, ...listOutsideSockets(), ...hiddenFolders],
      shown: [
        ...findGitFolders(workspace, [...PRIVATE_FOLDERS, ...hiddenFolders]),
        ...shownFolders.filter((path) => lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true),
        ...(proxy === undefined ? [] : [process.execPath]),
      ],
      scratch,
      blank,
      proxy,
      filter: filter === undefined ? undefined : FILTER_FD,
      variables,
      sources,
    });
    return [
      ...toCover(findProtectedLinks(spec.sandbox, workspace), coverFor, workspace),
      ...[bubblewrap, '--json-status-fd', String(SANDBOX_STATUS_FD), ...args],
      ...(proxy === undefined ? [] : toForwarder(kept)),
    ];
  };
  return {
    prepare(spec, sandbox) {
      writeOnce();
      const { argv: shell, script } = toShell(spec, sandbox, limits);
      const argv = [...toTerminal(spec), ...shell];
      const opened: number[] = [];
      const sources = sandbox?.takesDescriptors === true ? openMountSources(FIRST_SOURCE_FD) : mountByPath;
      const close = (): void => {
        sources.close();
        for (const fd of opened.splice(0)) closeSync(fd);
      };
      const keep = (fd: number): number => {
        opened.push(fd);
        return fd;
      };
      try {
        const scriptFd = script === undefined ? null : keep(openScript(stateDirectory, script));
        if (sandbox === undefined) return { launch: toFullAccess(spec, argv, scriptFd), close, hidden: new Map() };
        const hidden = noteHidden(deniedPaths, [spec.root ?? spec.workspace, ...spec.sandbox.writableRoots]);
        const filterFd = filter === undefined ? null : keep(openSync(filterFile, 'r'));
        // Programs that run before the sandbox exists must not load files of a workspace.
        const environment = toEnvironment(spec);
        const kept = script === undefined ? undefined : SCRIPT_FD;
        const launch: Launch = {
          argv: [...toSandbox(spec, sandbox, sources, onlyLoaders(environment), kept), ...argv],
          // The start folder of the command may exist only in the sandbox.
          cwd: '/',
          environment: {
            ...withoutLoaders(environment),
            ...(sandbox.proxy === undefined ? {} : toProxyVariables()),
          },
          files: [filterFd, scriptFd, null, ...sources.descriptors],
          kind: 'sandbox',
        };
        return { launch, close, hidden };
      } catch (error) {
        close();
        throw error;
      }
    },
  };
}

function toEnvironment({ commandId, unasked }: CommandSpec): Record<string, string> {
  const environment = buildCommandEnvironment(process.env, commandId);
  return unasked ? withoutBareRepositories(environment) : environment;
}

function toFullAccess(spec: CommandSpec, argv: readonly string[], scriptFd: number | null): Launch {
  const reaper = findReaper(spec.workspace);
  const environment = toEnvironment(spec);
  return {
    argv: [...(reaper ?? []), ...argv],
    cwd: spec.cwd,
    environment: reaper === undefined ? environment : { ...environment, [REAPER_MARKER]: spec.commandId },
    files: [null, scriptFd],
    kind: reaper === undefined ? 'shell' : 'reaper',
  };
}

function toTerminal({ terminal, workspace }: CommandSpec): string[] {
  const found = terminal === undefined ? [] : findTerminal(workspace);
  if (found !== undefined) return found;
  const message = 'The command was not started: its terminal needs Perl or Python 3, and this machine has neither.';
  throw new Failure('commandNotStarted', message);
}

/** A command that is too long for an argument is read from a descriptor. */
function toShell(
  { command, workspace }: CommandSpec,
  sandbox: SandboxParts | undefined,
  limits: CommandLimits,
): { argv: string[]; script?: string } {
  const bash = findProgram('bash', [workspace]);
  // Without a sandbox all processes of the user would count, and the limit does not apply to root.
  const countsProcesses = sandbox !== undefined && process.getuid?.() !== 0;
  const before = bash === undefined ? '' : toShellLimits(limits, countsProcesses);
  const shell = [bash ?? '/bin/sh', '-c'];
  if (Buffer.byteLength(command) <= MAX_ARGUMENT_BYTES) return { argv: [...shell, `${before}${command}`] };
  return { argv: [...shell, `${before}. /dev/fd/${SCRIPT_FD}`], script: `exec ${SCRIPT_FD}<&-; ${command}` };
}

/** The file no longer has a name when this returns, so nobody can change the approved text. */
function openScript(folder: string, text: string): number {
  const file = join(folder, `script-${randomUUID()}`);
  writeFileSync(file, text, { mode: 0o600, flag: 'wx' });
  try {
    return openSync(file, 'r');
  } finally {
    rmSync(file);
  }
}
