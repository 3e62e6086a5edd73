/**
 * A server as a child process that speaks on its standard streams. In place of the SDK's own transport because of what
 * that one leaves open: the server gets a session and a process group of its own, is found again by the marker of its
 * environment, is ended with all that it started, and can neither fill the memory nor keep the worker busy.
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
  /** Takes what it says on its standard error, up to a bound. Made anew at each start. */
  errorFile: string;
  table: ProcessTable;
  /** Called before the process is made; what it gives is called once nothing of the server is left. */
  enterFence: () => () => void;
}

export interface StdioTransport extends Transport {
  /** Why the server is gone; null as long as it is not, and where it was closed from here. */
  readonly fault: string | null;
}

/** What a server has to end by itself once its input is closed, in milliseconds. */
const LAST_WORDS_MS = 300;
/** What its last output still has after its end, in milliseconds. */
const LAST_OUTPUT_MS = 100;
const MAX_UNREAD_BYTES = 8 * 1024 * 1024;
const MAX_ERROR_BYTES = 1024 * 1024;
/** The code of JSON-RPC for what is no valid object of it. */
const INVALID_ANSWER = -32_600;
/** Lines in a row that are no message. Some servers greet on the wrong stream. */
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
      // A server that is gone is told of by its end.
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

/** A path is what the operator wrote. A bare name is never one that a command of a thread put there. */
function toProgram({ command, cwd }: StdioServer): string {
  if (command.includes('/')) return command;
  const program = findProgram(command, [cwd, process.cwd()]);
  if (program === undefined) throw new Error(`${command} is not on PATH outside of ${cwd} and ${process.cwd()}`);
  return program;
}

/** Its input is closed, then it and all it started are ended, as commands are. */
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
  // Where something is left the record stays, so that a later worker can try again.
  if (gone) leave();
}

/** Null for what is no message. An answer that cannot be read still ends its request. */
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

/** The rest is read all the same, so that the server does not stand still. */
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
