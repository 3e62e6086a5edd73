/** A PostgreSQL server of our own. */
import { execFile, execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findLastingPort } from '../parts/lasting-port.ts';
import { AS_ORDINARY_USER, type ClusterPrograms, POSTGRES_USER } from './programs.ts';

export interface Postgres {
  port: number;
  user: string;
  password: string;
  /** Resolves once it answers. Idempotent. */
  start(): Promise<void>;
  /** `immediate` is a crash: the next start recovers from the log. Idempotent. */
  stop(mode: 'fast' | 'immediate'): Promise<void>;
  /** The command line of an immediate stop. */
  stopCommand: string[];
}

const USER = 'temporal';
/** Each of the four services opens its own connections to both databases. */
const CONNECTIONS = 200;

/** @param root is made by the first start; the folders above it can be entered by every user */
export async function placePostgres({ postgres }: ClusterPrograms, root: string): Promise<Postgres> {
  const data = join(root, 'data');
  const passwordFile = join(root, 'password');
  const password = randomBytes(16).toString('hex');
  const port = await findLastingPort();
  const toCommand = (name: string, ...words: string[]) => [...AS_ORDINARY_USER, join(postgres, name), ...words];
  const toStop = (mode: string) => toCommand('pg_ctl', 'stop', '-w', '-s', '-D', data, '-m', mode);
  const run = async ([program = '', ...words]: string[]) => {
    await promisify(execFile)(program, words, { cwd: root });
  };
  const initialize = async () => {
    mkdirSync(root, { mode: 0o700 });
    writeFileSync(passwordFile, password, { mode: 0o600 });
    if (AS_ORDINARY_USER.length > 0) execFileSync('chown', ['-R', `${POSTGRES_USER}:`, root]);
    const auth = [`--pwfile=${passwordFile}`, '--auth=scram-sha-256'];
    await run(toCommand('initdb', '-D', data, '-U', USER, ...auth, '--encoding=UTF8', '--no-sync'));
  };
  const settings = `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=${CONNECTIONS}`;
  let isRunning = false;
  return {
    ...{ port, user: USER, password, stopCommand: toStop('immediate') },
    async start() {
      if (isRunning) return;
      if (!existsSync(root)) await initialize();
      isRunning = true;
      await run(toCommand('pg_ctl', 'start', '-w', '-s', '-D', data, '-l', join(root, 'log'), '-o', settings));
    },
    async stop(mode) {
      if (isRunning) await run(toStop(mode));
      isRunning = false;
    },
  };
}
