/**
 * Two hosts on one task queue: each a worker in its own mount, process and host name namespaces, with its own data folder and
 * its own content under the same path.
 */
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { endSupervisors } from '../../src/adapters/shell/supervisor/supervised-commands.ts';
import { WORKER } from '../parts/programs.ts';
import { type WorkerChild, startWorkerChild } from '../kill/worker-child.ts';
import type { TestEnvironment } from '../environment.ts';

export interface TestHost {
  hostId: string;
  /** Its data folder. */
  data: string;
  /** The outer path of what the host sees at `TwoHosts.shared`. */
  files: string;
  start(env?: Record<string, string>): Promise<WorkerChild>;
}

export interface TwoHosts {
  a: TestHost;
  b: TestHost;
  /** The path that both have, with other content. */
  shared: string;
  /** Another machine, which has nothing of its own yet. */
  another(hostId: string): TestHost;
  close(): Promise<void>;
}

const ENTER = `hostname "$1" && mount --bind "$2" "$3" && shift 3 && exec "$@"`;
const UNSHARE = ['unshare', '--mount', '--uts', '--pid', '--fork', '--kill-child', '--mount-proc'];

/** Whether this machine lets a test make namespaces. */
export function canMakeHosts(): boolean {
  try {
    execFileSync('unshare', [...UNSHARE.slice(1), 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export function openTwoHosts(environment: TestEnvironment): TwoHosts {
  const root = mkdtempSync(join(tmpdir(), 'bobbin-hosts-'));
  const shared = join(root, 'shared');
  mkdirSync(shared);
  const workers: WorkerChild[] = [];
  const hosts: TestHost[] = [];
  const make = (hostId: string): TestHost => {
    const files = join(root, `files-${hosts.length}`);
    const data = join(root, `data-${hosts.length}`);
    mkdirSync(files);
    const launcher = [...UNSHARE, 'sh', '-c', ENTER, 'sh', `machine-${hosts.length}`, files, shared];
    const host: TestHost = {
      ...{ hostId, data, files },
      async start(env = {}) {
        const own = { BOBBIN_DATA_DIR: data, BOBBIN_HOST: hostId, BOBBIN_SANDBOX: 'danger-full-access', ...env };
        const log = join(root, `${hostId}-${randomUUID()}.log`);
        const worker = await startWorkerChild({ ...environment.env, ...own }, log, WORKER, launcher);
        workers.push(worker);
        return worker;
      },
    };
    hosts.push(host);
    return host;
  };
  return {
    ...{ a: make('host-a'), b: make('host-b'), shared, another: make },
    async close() {
      for (const worker of workers) await worker.kill();
      for (const { data } of hosts) await endSupervisors(data);
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** A git repository with one commit, on one host. Returns its path there. */
export function makeRepositoryOn({ files }: TestHost, { shared }: Pick<TwoHosts, 'shared'>, name: string): string {
  cpSync(inject('repository'), join(files, name), { recursive: true });
  return join(shared, name);
}
