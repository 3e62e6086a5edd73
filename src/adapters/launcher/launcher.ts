/**
 * Starts programs through a small process of ours. To start one, a process copies its own page tables: that takes eight
 * milliseconds in a worker of 350 MB, during which it does nothing else, and one in the launcher.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { PACKAGE_ROOT, programFile } from '../../folders/program-files.ts';
import { type Ended, type Launch, type Launched, type Outputs, killGroup, launchHere } from './launched.ts';
import type { FromLauncher, ToLauncher } from './wire.ts';

interface Remote {
  pid: number | undefined;
  outputs: Outputs;
  end: (ended: Ended) => void;
}

interface Launcher {
  process: ChildProcess;
  remotes: Map<number, Remote>;
}

let launcher: Launcher | undefined;
let count = 0;

/** From now on {@link launch} uses a launcher, which ends with this process. Idempotent. */
export function startLauncher(): void {
  launcher ??= begin();
}

/** Here, if there is no launcher. */
export function launch(launch: Launch, outputs: Outputs): Launched {
  return launcher?.process.connected === true ? launchThere(launcher, launch, outputs) : launchHere(launch, outputs);
}

function begin(): Launcher {
  const remotes: Launcher['remotes'] = new Map();
  const child = fork(programFile('launcher'), [], {
    cwd: PACKAGE_ROOT,
    env: {},
    execArgv: [],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const begun: Launcher = { process: child, remotes };
  child.on('message', (message: FromLauncher) => {
    receive(remotes, message);
    if (remotes.size === 0) child.channel?.unref();
  });
  const lose = (): void => {
    if (launcher === begun) launcher = undefined;
    for (const { pid, end } of remotes.values()) {
      killGroup(pid, 'SIGKILL');
      end({ code: null, problem: 'the process that had started it has ended' });
    }
    remotes.clear();
  };
  child.once('error', lose);
  child.once('exit', lose);
  child.unref();
  child.channel?.unref();
  return begun;
}

function receive(remotes: Map<number, Remote>, message: FromLauncher): void {
  const remote = remotes.get(message.id);
  if (remote === undefined) return;
  switch (message.type) {
    case 'began':
      remote.pid = message.pid;
      return;
    case 'output':
      remote.outputs[message.stream](Buffer.from(message.chunk));
      return;
    case 'ended': {
      const { code, problem } = message;
      remotes.delete(message.id);
      remote.end({ code, ...(problem !== undefined && { problem }) });
    }
  }
}

function launchThere({ process, remotes }: Launcher, launch: Launch, outputs: Outputs): Launched {
  const id = count++;
  let end = (_ended: Ended): void => undefined;
  const ended = new Promise<Ended>((resolve) => (end = resolve));
  const remote: Remote = { pid: undefined, outputs, end };
  remotes.set(id, remote);
  process.channel?.ref();
  process.send({ id, ...launch } satisfies ToLauncher, (error) => {
    if (error !== null && remotes.delete(id)) end({ code: null, problem: error.message });
  });
  return {
    get pid() {
      return remote.pid;
    },
    ended,
  };
}
