/**
 * Two hosts on one task queue: each a worker in its own mount, process and host name namespaces, with its own data folder and
 * its own content under the same path.
 */
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, inject } from 'vitest';
import { endSupervisors } from '../../src/adapters/shell/supervisor/supervised-commands.ts';
import { isServed } from '../../src/client/hosts/hosts.ts';
import { WORKER } from '../parts/programs.ts';
import { type WorkerChild, startWorkerChild } from '../kill/worker-child.ts';
import { type TestEnvironment, openEnvironment } from '../environment.ts';

export interface TestHost {
  hostId: string;
  /** Its data folder. */
  data: string;
  /** The outer path of what the host sees at `TwoHosts.shared`. */
  files: string;
  start(env?: Record<string, string>): Promise<WorkerChild>;
  /** The same with the processes of this machine: the end of the worker leaves what it has started. */
  startAmongOthers(env?: Record<string, string>): Promise<WorkerChild>;
}

export interface TwoHosts {
  a: TestHost;
  b: TestHost;
  /** The path that both have, with other content. */
  shared: string;
  /**
   * Another machine, which has nothing of its own yet.
   * @param files of another one, which it shares
   * @param bootId of its own; without it, that of this machine
   */
  another(hostId: string, files?: string, bootId?: string): TestHost;
  close(): Promise<void>;
}

/** Seconds that steps wait for a host that is lost: longer than it takes a busy machine to take a step of one that is there. */
export const GRACE = '5';

const BOOT_ID = '/proc/sys/kernel/random/boot_id';
const ENTER = `hostname "$1" && mount --bind "$2" "$3" && mount --bind "$4" ${BOOT_ID} && shift 4 && exec "$@"`;
const UNSHARE = ['unshare', '--mount', '--uts'];
const UNSHARE_ALL = [...UNSHARE, '--pid', '--fork', '--kill-child', '--mount-proc'];

/** Until a worker of the host polls its queue. */
export async function becomesServed({ bobbin }: TestEnvironment, hostId: string): Promise<void> {
  await expect.poll(() => isServed(bobbin.service, hostId), { timeout: 30_000 }).toBe(true);
}

/** Whether this machine lets a test make namespaces. */
export function canMakeHosts(): boolean {
  try {
    execFileSync('unshare', [...UNSHARE_ALL.slice(1), 'true'], { stdio: 'ignore' });
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
  const make = (hostId: string, files = join(root, `files-${hosts.length}`), bootId?: string): TestHost => {
    const data = join(root, `data-${hosts.length}`);
    mkdirSync(files, { recursive: true });
    const boot = join(root, `boot-${hosts.length}`);
    writeFileSync(boot, bootId ?? readFileSync(BOOT_ID));
    const enter = ['sh', '-c', ENTER, 'sh', `machine-${hosts.length}`, files, shared, boot];
    const start = async (launcher: string[], env: Record<string, string>): Promise<WorkerChild> => {
      const own = { BOBBIN_DATA_DIR: data, BOBBIN_HOST: hostId, BOBBIN_SANDBOX: 'danger-full-access', ...env };
      const log = join(root, `${hostId}-${randomUUID()}.log`);
      const worker = await startWorkerChild({ ...environment.env, ...own }, log, WORKER, launcher);
      workers.push(worker);
      return worker;
    };
    const host: TestHost = {
      hostId,
      data,
      files,
      start: (env = {}) => start([...UNSHARE_ALL, ...enter], env),
      startAmongOthers: (env = {}) => start([...UNSHARE, ...enter], env),
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

/** Two hosts with an environment that has no other worker, and no agent identities. `close` ends both. */
export async function openHostsAlone(): Promise<{
  environment: TestEnvironment;
  hosts: TwoHosts;
  close: () => Promise<void>;
}> {
  const environment = await openEnvironment({ worker: false, env: { BOBBIN_IDENTITY_MODE: 'off' } });
  const hosts = openTwoHosts(environment);
  const close = async (): Promise<void> => {
    await hosts.close();
    await environment.close();
  };
  return { environment, hosts, close };
}

/** A git repository with one commit, on one host. Returns its path there. */
export function makeRepositoryOn({ files }: TestHost, { shared }: Pick<TwoHosts, 'shared'>, name: string): string {
  cpSync(inject('repository'), join(files, name), { recursive: true });
  return join(shared, name);
}
