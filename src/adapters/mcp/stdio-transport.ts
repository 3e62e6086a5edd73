/**
 * A server as a child process on its standard streams. It replaces the SDK's transport: the server gets a separate
 * session and process group, a marker in its environment to find it again, is ended with everything that it started,
 * and can neither fill the memory nor keep the worker busy.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import {
  type JSONRPCMessage,
  type Transport,
  deserializeMessage,
  serializeMessage,
} from '@modelcontextprotocol/client';
import { findProgram } from '../programs.ts';
import { endProcesses } from '../shell/processes/end-processes.ts';
import type { ProcessTable } from '../shell/processes/process-table.ts';
import { MAX_MESSAGE_BYTES, createFloodGate } from './flood-gate.ts';
import { createLineReader } from './line-reader.ts';

export interface StdioServer {
  command: string;
  args: string[];
  cwd: string;
  environment: Record<string, string>;
  /** The value of the marker in its environment. */
  processId: string;
  /** File for its standard error, with a size limit. Truncated at each start. */
  errorFile: string;
  table: ProcessTable;
  /** Called before the process starts. The returned function is called when nothing of the server is left. */
  enterFence: () => () => void;
}

export interface StdioTransport extends Transport {
  /** Why the server is gone; null while it runs, and if this side closed it. */
  readonly fault: string | null;
}

/** Time that a server gets to end after its input is closed, in milliseconds. */
const LAST_WORDS_MS = 300;
/** Time to read its last output after its end, in milliseconds. */
const LAST_OUTPUT_MS = 100;
const MAX_UNREAD_BYTES = 8 * 1024 * 1024;
const MAX_ERROR_BYTES = 1024 * 1024;
/** JSON-RPC's code for an invalid request object. */
const INVALID_ANSWER = -32_600;
/** Maximum consecutive lines that are not messages. Some servers print a greeting on the wrong stream. */
const MAX_GARBAGE_LINES = 100;

export function createStdioTransport(server: StdioServer): StdioTransport {
  let child: ChildProcess | null = null;
  let fault: string | null = null;
  let ending: Promise<void> | null = null;
  const gate = createFloodGate();
  let garbage = 0;

  const reader = createLineReader(MAX_MESSAGE_BYTES, (line) => {
    if (ending !== null) return;
    const message = toMessage(line);
    if (!gate.takeMessage()) fail('it sends more messages than can be taken');
    else if (message !== null) {
      garbage = 0;
      transport.onmessage?.(message);
    } else if (++garbage > MAX_GARBAGE_LINES) fail('what it writes on its standard output is not MCP');
  });

  const fail = (reason: string): void => {
    if (ending !== null) return;
    fault = reason;
    void end(0);
  };
  const end = (graceMs: number): Promise<void> => (ending ??= endChild(server, child, leave, graceMs).finally(closed));
  const closed = (): void => transport.onclose?.();
  let leave = (): void => undefined;

  const take = (chunk: Buffer): void => {
    if (ending !== null) return;
    if (!gate.takeBytes(chunk.length)) fail('it sends more than can be taken');
    else if (!reader.push(chunk)) fail(`it sent a message of more than ${MAX_MESSAGE_BYTES} bytes`);
  };

  const transport: StdioTransport = {
    get fault() {
      return fault;
    },
    async start() {
      leave = server.enterFence();
      try {
        child = await launch(server);
      } catch (error) {
        leave();
        throw error;
      }
      const { stdout, stdin, stderr } = child;
      stdout?.on('data', take);
      // The end of the process is reported separately.
      for (const stream of [stdout, stdin, stderr]) stream?.on('error', () => undefined);
      if (stderr !== null) keepErrors(stderr, server.errorFile);
      const drained = new Promise<void>((resolve) => stdout?.once('close', resolve));
      child.once('exit', (code, signal) => {
        void Promise.race([drained, delay(LAST_OUTPUT_MS)]).then(() => fail(describeExit(code, signal)));
      });
    },
    send(message) {
      const stdin = child?.stdin;
      if (!stdin || ending !== null) return Promise.reject(new Error(fault ?? 'it was closed'));
      if (stdin.writableLength > MAX_UNREAD_BYTES) return Promise.reject(new Error('it does not read its input'));
      stdin.write(serializeMessage(message));
      return Promise.resolve();
    },
    async close() {
      await end(LAST_WORDS_MS);
    },
  };
  return transport;
}

async function launch(server: StdioServer): Promise<ChildProcess> {
  const child = spawn(toProgram(server), server.args, {
    cwd: server.cwd,
    env: server.environment,
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) => reject(new Error(`${server.command} cannot be started: ${error.message}`)));
  });
  return child;
}

/** A path is the operator's. A bare name never resolves to a program that a command of a thread made. */
function toProgram({ command, cwd }: StdioServer): string {
  if (command.includes('/')) return command;
  const program = findProgram(command, [cwd, process.cwd()]);
  if (program === undefined) throw new Error(`${command} is not on PATH outside of ${cwd} and ${process.cwd()}`);
  return program;
}

/** Closes its input, then ends it and everything that it started, as for commands. */
async function endChild(
  server: StdioServer,
  child: ChildProcess | null,
  leave: () => void,
  graceMs: number,
): Promise<void> {
  if (child?.pid === undefined) return;
  const exited = new Promise<void>((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    else child.once('exit', () => resolve());
  });
  child.stdin?.end();
  await Promise.race([exited, delay(graceMs)]);
  const target = { commandIds: new Set([server.processId]), group: child.pid, exited };
  const { gone } = await endProcesses(server.table, target);
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.destroy();
  // If something is left, the record stays, so that a later worker can retry.
  if (gone) leave();
}

/** Null if it is not a message. An unreadable answer still ends its request. */
function toMessage(line: string): JSONRPCMessage | null {
  try {
    return deserializeMessage(line);
  } catch {
    const id = readAnsweredId(line);
    const message = 'its answer does not follow the protocol';
    return id === null ? null : { jsonrpc: '2.0', id, error: { code: INVALID_ANSWER, message } };
  }
}

function readAnsweredId(line: string): string | number | null {
  try {
    const { id, method } = JSON.parse(line) as { id?: unknown; method?: unknown };
    return method === undefined && (typeof id === 'number' || typeof id === 'string') ? id : null;
  } catch {
    return null;
  }
}

function describeExit(code: number | null, signal: NodeJS.Signals | null): string {
  return signal === null ? `it ended with exit code ${code ?? 0}` : `it was ended by ${signal}`;
}

/** Also reads the rest, so that the server does not block. */
function keepErrors(stream: Readable, file: string): void {
  let left = MAX_ERROR_BYTES;
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const kept = createWriteStream(file, { mode: 0o600 }).on('error', () => undefined);
  stream.on('data', (chunk: Buffer) => {
    if (left > 0) kept.write(chunk.subarray(0, left));
    left -= chunk.length;
  });
  stream.once('close', () => kept.end());
}
