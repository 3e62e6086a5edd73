/**
 * Commands that outlive their worker: each runs in a supervisor, a process that serves all workers of its data folder with
 * the same settings. Later attempts attach to it.
 */
import { statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { Failure, type FailureCode } from '../../../../activities/failures.ts';
import type { CommandIo, CommandPort, CommandReport, Poll } from '../../../../activities/ports.ts';
import { programFile } from '../../../folders/program-files.ts';
import { noteWorkspace } from '../../known-workspaces.ts';
import { toSupervisorEnvironment } from '../command-environment.ts';
import { type CommandRunnerOptions, createCommandRunner } from '../command-runner.ts';
import { type Exchange, ask, askOnce, listHostFolders, listSockets } from './client.ts';
import { createReports } from './reports.ts';
import { boundedTo } from './session.ts';
import { startSupervisor } from './start.ts';
import { type Answer, type End, type Request, sendLine, shortHash, supervisorsFolder } from './wire.ts';

export type SupervisedCommands = Required<CommandPort>;

/** A supervisor may end, or lose against another one, between its start and the connection. */
const MAX_STARTS = 5;

export function createSupervisedCommands(options: CommandRunnerOptions): SupervisedCommands {
  const { log = () => undefined, openConnection: _, ...settings } = options;
  const local = createCommandRunner(options);
  const { stateDirectory, hostId } = options;
  const folder = supervisorsFolder(stateDirectory, hostId);
  // Earlier releases had one folder for all hosts.
  const folders = [...new Set([folder, supervisorsFolder(stateDirectory)])];
  const reports = createReports(options.stateDirectory);
  const environment = toSupervisorEnvironment(process.env, options.stateDirectory);
  const program = programFile('supervisor');
  const name = shortHash(JSON.stringify([program, statSync(program).mtimeMs, settings, environment]), 12);
  let stay: Promise<Exchange> | undefined;

  const join = async (): Promise<Exchange> => {
    for (let left = MAX_STARTS; ; left -= 1) {
      const joined = await connectToStay().catch(() => undefined);
      if (joined !== undefined) return joined;
      if (left === 0) throw new Error('it ends as soon as it is started');
      await startSupervisor({ name, options: settings }, environment);
    }
  };
  const connectToStay = async (): Promise<Exchange | undefined> => {
    let isHere: (here: true) => void;
    const here = new Promise<true>((resolve) => (isHere = resolve));
    const joined = await ask(folder, `${name}.sock`, { type: 'stay' }, (answer) => {
      if (answer.type === 'here') isHere(true);
      if (answer.type === 'log') log(answer.line);
    });
    void joined.closed.then(() => (stay = undefined));
    const isOpen = (await Promise.race([here, joined.closed])) === true;
    // It keeps no process alive.
    joined.socket.unref();
    return isOpen ? joined : undefined;
  };
  const ensureSupervisor = async (): Promise<void> => {
    try {
      await (stay ??= join());
    } catch (error) {
      stay = undefined;
      const reason = error instanceof Error ? error.message : String(error);
      throw new Failure('commandNotStarted', `The command was not started: its supervisor could not be: ${reason}`, {
        cause: error,
      });
    }
  };

  return {
    sandbox: () => local.sandbox(),
    async clean(workspace, commandIds = []) {
      const stopped = commandIds.length === 0 ? [] : await stopEverywhere(folders, commandIds);
      const { ended, gone } = await local.clean(workspace, commandIds);
      return { ended, gone: gone === true && stopped.every((one) => one.gone) };
    },
    async forget(threadId) {
      await reports.forget(threadId);
      await local.forget(threadId);
    },
    async run(spec, io) {
      // This worker must not run programs from there either.
      noteWorkspace(spec.root ?? spec.workspace);
      await ensureSupervisor();
      const { key = spec.commandId, poll } = io.lasting ?? {};
      const end = await follow(folder, `${name}.sock`, { type: 'run', key, spec, ...(poll && { poll }) }, io);
      if (end.type === 'unknown')
        throw new Failure('commandNotStarted', 'The command was not started: its supervisor is ending.');
      return toReport(end, poll);
    },
    async attach({ key, threadId, commandId }, io) {
      const { poll } = io.lasting;
      const request = { type: 'attach', key, threadId, ...(poll && { poll }) } as const;
      for (const { place, socket } of socketsIn(folders)) {
        const end = await follow(place, socket, request, io).catch(refusal);
        if (end !== undefined && end.type !== 'unknown') return toReport(end, poll);
      }
      const end = reports.read(threadId, key);
      if (end === undefined) throw lost(`No supervisor knows command ${commandId}`, '');
      return toReport(end, poll);
    },
    async close() {
      const joined = await stay?.catch(() => undefined);
      joined?.socket.destroy();
    },
  };
}

/** Follows a command to its end. Rejects with `commandLost` if its supervisor ends before, or because this client leaves. */
async function follow(
  folder: string,
  name: string,
  request: Extract<Request, { type: 'run' | 'attach' }>,
  { signal, lasting, onOutput }: CommandIo,
): Promise<End | { type: 'unknown' }> {
  let end: End | { type: 'unknown' } | undefined;
  let tail: string | undefined;
  const { socket, closed } = await ask(folder, name, request, (answer) => {
    if (answer.type === 'output') {
      tail = answer.tail.text;
      onOutput(answer.tail);
    } else if (answer.type === 'report' || answer.type === 'failed' || answer.type === 'unknown') end = answer;
  });
  const settled = new AbortController();
  whenAborted(signal, settled.signal, () => sendLine(socket, { type: 'stop' }));
  if (lasting !== undefined) whenAborted(lasting.leave, settled.signal, () => void socket.destroy());
  await closed;
  settled.abort();
  if (end !== undefined) return end;
  lasting?.leave.throwIfAborted();
  // A supervisor that ends as it is asked knows nothing; one that was asked to start a command may have done so.
  if (request.type === 'attach' && tail === undefined) return { type: 'unknown' };
  throw lost('The supervisor of the command was lost', tail ?? '');
}

function whenAborted(signal: AbortSignal, until: AbortSignal, act: () => void): void {
  if (signal.aborted) act();
  else signal.addEventListener('abort', act, { signal: until });
}

function toReport(end: End, poll?: Poll): CommandReport {
  if (end.type === 'report') return poll === undefined ? end.report : toLook(end, poll);
  throw new Failure(end.code as FailureCode, end.message, end.details === undefined ? {} : { details: end.details });
}

/** A look that is not the first one of its command returns only the output that no look has returned. */
function toLook(
  { report, unread }: Extract<End, { type: 'report' }>,
  { isFirst, maxOutputBytes }: Poll,
): CommandReport {
  if (isFirst || unread === undefined) return boundedTo(maxOutputBytes, report);
  return boundedTo(maxOutputBytes, { ...report, output: unread, whole: report.output });
}

function lost(what: string, output: string): Failure {
  return new Failure('commandLost', `${what}: it may have partly run.`, { details: { output } });
}

/** A socket that nobody listens to is of a supervisor that was killed. */
function refusal(error: unknown): undefined {
  if (error instanceof Error && 'syscall' in error) return undefined;
  throw error;
}

/** Stops commands in whichever supervisor they run. */
async function stopEverywhere(
  folders: readonly string[],
  commandIds: string[],
): Promise<{ commands: number; gone: boolean }[]> {
  const answers = socketsIn(folders).map(({ place, socket }) => askOnce(place, socket, { type: 'stop', commandIds }));
  return (await Promise.all(answers)).filter((answer): answer is Stopped => answer?.type === 'stopped');
}

function socketsIn(folders: readonly string[]): { place: string; socket: string }[] {
  return folders.flatMap((place) => listSockets(place).map((socket) => ({ place, socket })));
}

type Stopped = Extract<Answer, { type: 'stopped' }>;

/** How long a worker that has just ended may still count as one that stays. */
const LEAVING_MS = 2_000;

/** Ends the supervisors of all hosts of a data folder with all of their commands, except those that serve a worker. */
export async function endSupervisors(stateDirectory: string): Promise<void> {
  const all = supervisorsFolder(stateDirectory);
  const folders = [all, ...listHostFolders(all)];
  const giveUpAt = performance.now() + LEAVING_MS;
  const end = async ({ place, socket }: { place: string; socket: string }): Promise<void> => {
    for (;;) {
      const answer = await askOnce(place, socket, { type: 'end' });
      if (answer?.type !== 'ended' || !answer.left || performance.now() > giveUpAt) return;
      await delay(20);
    }
  };
  await Promise.all(socketsIn(folders).map(end));
}
