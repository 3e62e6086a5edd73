/** A real Temporal service as the embedded stack starts it, with a workflow that a page would like to send messages to. */
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { findTemporalBinary } from '../../src/dev/temporal-service/obtain/binary.ts';
import { startTemporalService } from '../../src/dev/temporal-service/service.ts';
import type { TemporalService } from '../../src/dev/temporal-service/types.ts';
import type { EscapePlace } from './row.ts';

export interface Target {
  service: TemporalService;
  /** Ports on 127.0.0.1 that the service, or this process for it, listens on. */
  ports: number[];
  /** Whether a message has reached the workflow. */
  wasReached: () => Promise<boolean>;
}

/** The API finds no id with a slash in a path; a page would start a thread under another one. */
const WORKFLOW_ID = 'target';
export const SIGNAL_PATH = `/api/v1/namespaces/default/workflows/${WORKFLOW_ID}/signal/submitTurn`;

export async function withTarget<T>(place: EscapePlace, attack: (target: Target) => Promise<T>): Promise<T> {
  const binary = await findTemporalBinary({ allowDownload: false });
  const dataDirectory = join(place.root, 'data');
  const service = await startTemporalService({
    binary,
    dataDirectory,
    ephemeral: true,
    uiPort: 0,
    signal: place.signal,
  });
  const connection = await Connection.connect({ address: service.address });
  try {
    const client = new Client({ connection });
    const workflow = await client.workflow.start('thread', { taskQueue: 'nobody', workflowId: WORKFLOW_ID });
    const wasReached = async () =>
      ((await workflow.fetchHistory()).events ?? []).some((event) => event.workflowExecutionSignaledEventAttributes);
    return await attack({ service, ports: portsOf(service), wasReached });
  } finally {
    await connection.close();
    await service.stop();
  }
}

function portsOf({ pid, uiUrl }: TemporalService): number[] {
  const sockets = new Set(readdirSync(`/proc/${pid}/fd`).map((fd) => linkOf(`/proc/${pid}/fd/${fd}`)));
  const rows = readFileSync('/proc/net/tcp', 'utf8').split('\n').slice(1);
  const listening = rows
    .map((row) => row.trim().split(/\s+/))
    .filter(
      ([, local = '', , state, ...rest]) =>
        state === '0A' && local.startsWith('0100007F:') && sockets.has(`socket:[${rest[5] ?? ''}]`),
    )
    .map(([, local = '']) => Number.parseInt(local.split(':')[1] ?? '', 16));
  return [...listening, ...(uiUrl === null ? [] : [Number(new URL(uiUrl).port)])];
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

/** What a browser would send, and the answer that its page may read; a status of 0 for none. */
export function send(
  port: number,
  {
    method = 'GET',
    path = '/',
    headers = {},
    body = '',
  }: { method?: string; path?: string; headers?: Record<string, string>; body?: string },
): Promise<{ status: number; headers: Record<string, string | string[] | undefined>; text: string }> {
  return new Promise((resolve) => {
    const nothing = () => resolve({ status: 0, headers: {}, text: '' });
    const sent = request({ host: '127.0.0.1', port, method, path, headers, timeout: 3_000 }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
      response.once('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
      response.once('error', nothing);
    });
    sent.once('error', nothing).once('timeout', () => sent.destroy());
    sent.end(body);
  });
}
