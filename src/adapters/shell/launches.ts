/** How a command is started: by a shell, in a sandbox unless it has full access. */
import { closeSync, mkdirSync, openSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CommandSpec } from '../../../activities/ports.ts';
import { findProgram } from '../programs.ts';
import { toBubblewrapArguments } from './bubblewrap.ts';
import { buildCommandEnvironment } from './command-environment.ts';
import { listDeniedPaths } from './denied-paths.ts';
import { findGitFolders } from './git-folders.ts';
import type { Launch } from './leader.ts';
import { listOutsideSockets } from './outside-sockets.ts';
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
}

export interface LauncherOptions {
  /** Absolute; holds the filter of system calls. */
  stateDirectory: string;
  /** Absolute; what no command in a sandbox can look into. */
  hiddenFolders: readonly string[];
}

/** Every thread has its own of these. */
const PRIVATE_FOLDERS = ['/tmp', '/var/tmp'];

/** The first descriptor after the standard ones. */
const FILTER_FD = 3;

export function createLauncher({ stateDirectory, hiddenFolders }: LauncherOptions): Launcher {
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
  return {
    prepare(spec, sandbox) {
      const shell = findProgram('bash', [spec.workspace]) ?? '/bin/sh';
      const plain = [shell, '-c', spec.command];
      const environment = buildCommandEnvironment(process.env, spec.commandId);
      const common = { cwd: spec.cwd, environment };
      if (sandbox === undefined) return { launch: { argv: plain, ...common }, close: () => undefined };
      writeOnce();
      const filterFd = filter === undefined ? undefined : openSync(filterFile, 'r');
      const args = toBubblewrapArguments(spec.sandbox, {
        cwd: spec.cwd,
        workspace: spec.workspace,
        hidden: [...denied, ...listOutsideSockets(), ...hiddenFolders],
        shown: findGitFolders(spec.workspace, [...PRIVATE_FOLDERS, ...hiddenFolders]),
        scratch: sandbox.scratch,
        blank,
        filter: filterFd === undefined ? undefined : FILTER_FD,
      });
      return {
        // The place where the command starts may be there in the sandbox only.
        launch: {
          ...common,
          argv: [sandbox.bubblewrap, ...args, ...plain],
          cwd: '/',
          files: filterFd === undefined ? [] : [filterFd],
        },
        close: () => {
          if (filterFd !== undefined) closeSync(filterFd);
        },
      };
    },
  };
}

/** Another worker on this folder may read it at any moment. */
function writeWhole(folder: string, file: string, bytes: Buffer): void {
  mkdirSync(folder, { recursive: true });
  const part = `${file}.${process.pid}`;
  writeFileSync(part, bytes, { mode: 0o600 });
  renameSync(part, file);
}
