/** What tests of reviews whose host is lost need. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'vitest';
import { toWorkflowId } from '../../src/contract/index.ts';
import type { TestEnvironment } from '../environment.ts';

export interface SilentModel {
  url: string;
  /** Resolves with the first request. */
  asked: Promise<unknown>;
  close(): void;
}

/** A model that never answers. */
export async function startSilentModel(): Promise<SilentModel> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    asked: once(server, 'request'),
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Until the service has a heartbeat of what the thread of a review does: what was begun is not known to have ended. */
export async function isUnderWay({ bobbin }: TestEnvironment, threadId: string): Promise<void> {
  const beats = async () => {
    const { raw } = await bobbin.service.client.workflow.getHandle(toWorkflowId(threadId)).describe();
    return raw.pendingActivities?.[0]?.heartbeatDetails ?? null;
  };
  // The thread may not be there yet.
  await expect.poll(() => beats().catch(() => null), { timeout: 120_000 }).not.toBeNull();
}
