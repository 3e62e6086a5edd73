/** One configured server in this worker. Connects when it is first needed, and reconnects with pauses after a loss. */
import { setTimeout as delay } from 'node:timers/promises';
import { Failure } from '../../../activities/failures.ts';
import type { McpCall, McpReport, McpWarning } from '../../../activities/ports.ts';
import { createOutputWindow } from '../shell/output/output-window.ts';
import type { McpServerConfig } from './config.ts';
import type { Connection } from './connection.ts';
import { describeFault, wasNeverTaken, within } from './faults.ts';
import { type OfferedTool, toOffer } from './offered-tools.ts';
import { toImages, toText } from './results.ts';

export interface McpServer {
  /** No tools and a warning if it is not available. */
  offer(signal: AbortSignal): Promise<{ tools: OfferedTool[]; warning: McpWarning | null }>;
  call(request: McpCall, io: { signal: AbortSignal; onProgress: (text: string) => void }): Promise<McpReport>;
  close(): Promise<void>;
}

/** In milliseconds. The first failure is retried at once. */
const BACKOFF = { first: 250, most: 60_000 };
/** A connection that lasted this long counts as good, in milliseconds. */
const GOOD_MS = 60_000;
/** The longest pause that a call waits, in milliseconds. */
const LONGEST_PAUSE_MS = 2_000;
const MAX_MESSAGE_CHARS = 500;

/**
 * @param open makes a new connection; `onLost` is called if the connection ends unexpectedly
 * @param log logs a line for the operator
 */
export function createServer(
  config: McpServerConfig,
  open: (io: { onLost: () => void; signal: AbortSignal }) => Promise<Connection>,
  log: (line: string) => void,
): McpServer {
  let connection: Connection | null = null;
  let connecting: Promise<Connection> | null = null;
  let failures = 0;
  let notBefore = 0;
  let connectedAt = 0;
  let lastReason = '';
  const stopping = new AbortController();
  /** The tools of the last listing. The call that needs a lost server restarts it. */
  let offered: OfferedTool[] = [];
  let leftOut: string | null = null;
  let logged = '';

  const redact = (text: string): string =>
    config.secrets.reduce((current, secret) => current.replaceAll(secret, '[secret]'), text);
  const explain = (reason: string): string => redact(reason).slice(0, MAX_MESSAGE_CHARS);

  const countFailure = (reason: string): void => {
    lastReason = explain(reason);
    failures += 1;
    notBefore = failures < 2 ? 0 : Date.now() + Math.min(BACKOFF.first * 2 ** (failures - 2), BACKOFF.most);
  };
  const onLost = (): void => {
    const reason = connection?.fault ?? 'the connection was lost';
    if (Date.now() - connectedAt > GOOD_MS) failures = 0;
    connection = null;
    countFailure(reason);
  };
  const connect = async (): Promise<Connection> => {
    try {
      const opened = await open({ onLost, signal: stopping.signal });
      connectedAt = Date.now();
      lastReason = '';
      return (connection = opened);
    } catch (error) {
      offered = [];
      countFailure(describeFault(error));
      throw error;
    } finally {
      connecting = null;
    }
  };
  const connected = (): Promise<Connection> => {
    if (stopping.signal.aborted) return Promise.reject(new Error('this worker is stopping'));
    if (connection !== null) return Promise.resolve(connection);
    return (connecting ??= connect());
  };
  const isDue = (): boolean => Date.now() >= notBefore;
  /** A call waits for short pauses, so that it reaches a server that was just lost. */
  const untilDue = async (signal: AbortSignal): Promise<void> => {
    const leftMs = notBefore - Date.now();
    if (connection !== null || leftMs <= 0) return;
    if (leftMs > LONGEST_PAUSE_MS) throw new Error(`${lastReason}; it is tried again later`);
    await delay(leftMs, undefined, { signal });
  };

  const list = async (current: Connection): Promise<void> => {
    const offer = toOffer(config, await current.tools());
    offered = offer.tools.map((tool) => ({ ...tool, description: redact(tool.description) }));
    leftOut = offer.leftOut;
    const problems = redact(offer.problems.join('; '));
    if (problems !== '' && problems !== logged) log(`MCP server ${config.name}: tools that are left out: ${problems}`);
    logged = problems;
  };

  /** Waits for a first start and for required servers. Others are retried in parallel with the turn. */
  const refresh = async (signal: AbortSignal): Promise<void> => {
    if (connection === null && !isDue()) return;
    const trying = connected().then(list);
    trying.catch(() => undefined);
    if (connection !== null || failures === 0 || config.required) await within(signal, () => trying);
  };

  /** A server that does not know its session any longer has taken nothing: the call is made again over a new one. */
  const report = async (request: McpCall, io: { signal: AbortSignal; onProgress: (text: string) => void }) => {
    const current = await within(io.signal, connected);
    try {
      return await callOver(current, request, io);
    } catch (error) {
      io.signal.throwIfAborted();
      if (!wasNeverTaken(error)) throw error;
      // Another call may have connected again meanwhile.
      if (connection === current) connection = null;
      void current.close();
      return callOver(await within(io.signal, connected), request, io);
    }
  };
  const callOver = (
    current: Connection,
    request: McpCall,
    io: { signal: AbortSignal; onProgress: (text: string) => void },
  ) =>
    current.call(request.tool, request.arguments, {
      signal: io.signal,
      timeoutMs: config.toolTimeoutMs,
      onProgress: (text) => io.onProgress(redact(text)),
    });

  return {
    async offer(signal) {
      await refresh(signal).catch(() => signal.throwIfAborted());
      if (offered.length === 0 && lastReason !== '' && connection === null) {
        const message = `MCP server ${config.name} is not there: ${lastReason}`;
        if (!config.required) return { tools: [], warning: { server: config.name, message } };
        throw new Failure('mcpServerUnavailable', `${message}. It is required.`, {
          retryAfterMs: Math.max(1, notBefore - Date.now()),
        });
      }
      if (leftOut === null) return { tools: offered, warning: null };
      const message = `MCP server ${config.name}: some of its tools are left out: ${explain(leftOut)}`;
      return { tools: offered, warning: { server: config.name, message } };
    },
    async call(request, io) {
      const startedAt = performance.now();
      const end = (outcome: McpReport['outcome'], text: string): McpReport => {
        const window = createOutputWindow(request.maxOutputBytes);
        window.push(Buffer.from(redact(text)));
        return { outcome, output: window.text().output, durationMs: Math.round(performance.now() - startedAt) };
      };
      try {
        await untilDue(io.signal);
        const result = await report(request, io);
        const images = toImages(result);
        const ended = end(result.isError === true ? 'failed' : 'completed', toText(result));
        return images.length === 0 ? ended : { ...ended, images };
      } catch (error) {
        io.signal.throwIfAborted();
        return end('failed', `The call failed: MCP server ${config.name}: ${explain(describeFault(error))}`);
      }
    },
    async close() {
      stopping.abort(new Error('this worker is stopping'));
      const last = connection ?? (await connecting?.catch(() => null)) ?? null;
      connection = null;
      await last?.close();
    },
  };
}
