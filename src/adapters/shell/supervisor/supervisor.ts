/**
 * Runs the commands of workers that may end before them.
 *
 * Invariants:
 * 1. A command is started once per key, whatever is asked how often.
 * 2. Its end is in a file before anybody is told of it.
 * 3. Nothing is done for a client that has not proved itself.
 * 4. A command that no client is attached to for `unattendedS` is stopped.
 */
import type { Socket } from 'node:net';
import { Failure } from '../../../../activities/failures.ts';
import type { CommandReport, OutputTail, Poll } from '../../../../activities/ports.ts';
import type { CommandRunner } from '../command-runner.ts';
import { OverLimit } from '../processes/limits.ts';
import { isNamed } from '../processes/named-commands.ts';
import { readRequest } from './connection.ts';
import type { Reports } from './reports.ts';
import { type Session, createSession } from './session.ts';
import { type Answer, type End, type Request, type Word, sendLine } from './wire.ts';

export interface Supervisor {
  accept(socket: Socket): void;
  /** Whether there is neither a client nor a command. */
  isIdle(): boolean;
  /** Shows a line to every worker that stays. */
  log(line: string): void;
  /** Ends all commands with proof. Nobody gets a report: those that wait for one see that the supervisor is lost. */
  end(): Promise<{ left: boolean }>;
}

export interface SupervisorParts {
  runner: CommandRunner;
  /** Of the socket. */
  folder: string;
  reports: Reports;
  /** Seconds; 0 for no limit. */
  unattendedS: number;
  onIdle: () => void;
}

interface Running {
  commandId: string;
  threadId: string;
  stop: AbortController;
  clients: Set<Socket>;
  tail: OutputTail | undefined;
  unattended: NodeJS.Timeout | undefined;
  /** If it can be looked at while it runs. */
  session: Session | undefined;
  ended: Promise<End>;
}

export function createSupervisor({ runner, folder, reports, unattendedS, onIdle }: SupervisorParts): Supervisor {
  const running = new Map<string, Running>();
  const connections = new Set<Socket>();
  const staying = new Set<Socket>();
  let ending: Promise<{ left: boolean }> | undefined;

  const isIdle = (): boolean => connections.size === 0 && running.size === 0;

  const start = (key: string, { spec, poll }: Extract<Request, { type: 'run' }>): Running => {
    const command: Running = {
      commandId: spec.commandId,
      threadId: spec.threadId,
      stop: new AbortController(),
      clients: new Set(),
      tail: undefined,
      unattended: undefined,
      session: poll === undefined ? undefined : createSession(spec.maxOutputBytes),
      ended: Promise.resolve(ENDING),
    };
    const onOutput = (tail: OutputTail): void => {
      command.tail = tail;
      for (const client of command.clients) sendLine(client, { type: 'output', tail });
    };
    running.set(key, command);
    const io = { signal: command.stop.signal, onOutput, ...(command.session && { session: command.session.io }) };
    command.ended = runner.run(spec, io).then((report) => toReport(report, command.session), toFailed);
    void command.ended.then((end) => onEnd(key, command, end));
    return command;
  };

  const onEnd = (key: string, command: Running, end: End): void => {
    clearTimeout(command.unattended);
    if (ending === undefined) keep(key, command, end);
    running.delete(key);
    for (const client of command.clients) {
      if (ending === undefined) sendLine(client, end);
      client.end();
    }
    if (isIdle()) onIdle();
  };

  const keep = (key: string, { threadId, commandId }: Running, end: End): void => {
    try {
      reports.write(threadId, key, end);
    } catch (error) {
      log(`The report of command ${commandId} of thread ${threadId} cannot be kept for later: ${String(error)}`);
    }
  };

  const attach = (command: Running, client: Socket, poll: Poll | undefined): ((message: Word) => void) => {
    clearTimeout(command.unattended);
    command.clients.add(client);
    if (poll !== undefined) void look(command, client, poll);
    if (command.tail !== undefined) sendLine(client, { type: 'output', tail: command.tail });
    client.on('close', () => {
      command.clients.delete(client);
      if (command.clients.size > 0 || unattendedS === 0) return;
      const stop = (): void => command.stop.abort(new OverLimit('unattendedS'));
      command.unattended = setTimeout(stop, unattendedS * 1_000);
    });
    return ({ type }) => {
      if (type === 'stop') command.stop.abort();
    };
  };

  /** Answers if it still runs when the time is up; its end is answered in any case. */
  const look = async (command: Running, client: Socket, poll: Poll): Promise<void> => {
    const report = await command.session?.look(poll, command.ended, () => command.clients.has(client));
    if (report !== undefined) answer(client, { type: 'report', report });
  };

  const answer = (client: Socket, message: Answer): void => {
    sendLine(client, message);
    client.end();
  };

  const stop = async (client: Socket, commandIds: readonly string[]): Promise<void> => {
    const ids = new Set(commandIds);
    const named = [...running.values()].filter(({ commandId }) => isNamed(ids, commandId));
    for (const command of named) command.stop.abort();
    const ends = await Promise.all(named.map(({ ended }) => ended));
    answer(client, { type: 'stopped', commands: named.length, gone: ends.every(isGone) });
  };

  const handle = (request: Request, client: Socket): ((message: Word) => void) | undefined => {
    switch (request.type) {
      case 'stay':
        staying.add(client);
        sendLine(client, { type: 'here' });
        return undefined;
      case 'run':
      case 'attach': {
        const { key } = request;
        const threadId = request.type === 'run' ? request.spec.threadId : request.threadId;
        const known = running.get(key);
        if (known !== undefined) return attach(known, client, request.poll);
        const end = reports.read(threadId, key);
        if (end !== undefined) answer(client, end);
        else if (request.type === 'run' && ending === undefined)
          return attach(start(key, request), client, request.poll);
        else answer(client, { type: 'unknown' });
        return undefined;
      }
      case 'stop':
        void stop(client, request.commandIds);
        return undefined;
      case 'end':
        if (staying.size > 0) answer(client, { type: 'ended', left: true });
        else void end().then(({ left }) => answer(client, { type: 'ended', left }));
        return undefined;
      default:
        answer(client, { type: 'failed', code: 'internal', message: 'This supervisor does not know the request.' });
        return undefined;
    }
  };

  const log = (line: string): void => {
    for (const client of staying) sendLine(client, { type: 'log', line });
  };

  const end = (): Promise<{ left: boolean }> =>
    (ending ??= (async () => {
      const all = [...running.values()];
      for (const command of all) command.stop.abort();
      const ends = await Promise.all(all.map(({ ended }) => ended));
      return { left: !ends.every(isGone) };
    })());

  return {
    accept(socket) {
      connections.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        connections.delete(socket);
        staying.delete(socket);
        if (isIdle()) onIdle();
      });
      readRequest(socket, folder, handle);
    },
    isIdle,
    log,
    end,
  };
}

const ENDING: End = { type: 'failed', code: 'internal', message: 'The command was not started.' };

function toReport(report: CommandReport, session: Session | undefined): End {
  return { type: 'report', report, ...(session && { unread: session.unread() }) };
}

function toFailed(error: unknown): End {
  if (error instanceof Failure) {
    const { code, message, details } = error;
    return { type: 'failed', code, message, details };
  }
  return { type: 'failed', code: 'internal', message: error instanceof Error ? error.message : String(error) };
}

/** A command that could not be started has left nothing. */
function isGone(end: End): boolean {
  return end.type === 'failed' || end.report.gone;
}
