/** A Temporal server as it runs in production: PostgreSQL for persistence and visibility, and all four services. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectBobbin } from '../../src/client/index.ts';
import { runProgram } from '../../src/dev/temporal-service/obtain/program.ts';
import type { Progress } from '../../src/dev/temporal-service/obtain/progress.ts';
import { waitUntilReady } from '../../src/dev/temporal-service/run/readiness.ts';
import { readLog } from '../../src/dev/temporal-service/run/server-log.ts';
import { type ServerProcess, endProcess, spawnServer } from '../../src/dev/temporal-service/run/server-process.ts';
import { markOf } from '../../src/folders/process-mark.ts';
import { findLastingPort } from '../parts/lasting-port.ts';
import type { RestartableService } from '../parts/restartable-service.ts';
import { startGuard } from './guard.ts';
import { type Postgres, placePostgres } from './postgres.ts';
import { type ClusterPrograms, SERVER_VERSION, obtainClusterPrograms } from './programs.ts';
import { SERVICES, toServerConfig } from './server-config.ts';

/** As in docker-compose.yml. */
const NAMESPACE = 'default';
const START_TIMEOUT_MS = 90_000;
const SCHEMA_TIMEOUT_MS = 60_000;
/** Each database with its schema, which the tool contains. */
const SCHEMAS = { temporal: 'postgresql/v12/temporal', temporal_visibility: 'postgresql/v12/visibility' };

/** Whether the tests use a cluster instead of the embedded service. */
export const usesCluster = (): boolean => process.env['CLUSTER'] === '1';

/** Builds the server, if it was not yet. Everything is in a temporary folder, and ends with this process. */
export async function startCluster(onProgress?: Progress): Promise<RestartableService> {
  const programs = await obtainClusterPrograms(onProgress);
  const folder = mkdtempSync(join(tmpdir(), 'bobbin-cluster-'));
  // The user of the database has a folder in it.
  chmodSync(folder, 0o711);
  const postgres = await placePostgres(programs, join(folder, 'postgres'));
  const pidFile = join(folder, 'server.pid');
  const guard = startGuard(folder, pidFile, postgres.stopCommand);
  try {
    await postgres.start();
    await createSchemas(programs, postgres);
    const server = await createServer(programs, postgres, { folder, pidFile });
    await server.start();
    await registerSearchAttributes(server.address);
    const stop = async () => {
      await server.end('SIGTERM');
      await postgres.stop('fast');
    };
    return {
      ...{ address: server.address, namespace: NAMESPACE, serverVersion: SERVER_VERSION, stop },
      async kill() {
        await server.end('SIGKILL');
        await postgres.stop('immediate');
      },
      async start() {
        await postgres.start();
        await server.start();
      },
      async close() {
        await stop();
        await guard.end();
      },
    };
  } catch (error) {
    await guard.end();
    throw error;
  }
}

/** As deploy/schema.sh does. */
async function createSchemas({ sqlTool }: ClusterPrograms, { port, user, password }: Postgres): Promise<void> {
  const common = ['--plugin', 'postgres12', '--ep', '127.0.0.1', '-p', String(port), '-u', user];
  for (const [database, schema] of Object.entries(SCHEMAS)) {
    const steps = [['create'], ['setup-schema', '-v', '0.0'], ['update-schema', '--schema-name', schema]];
    for (const step of steps) {
      const report = await runProgram(sqlTool, [...common, '--db', database, ...step], {
        env: { ...process.env, SQL_PASSWORD: password },
        timeoutMs: SCHEMA_TIMEOUT_MS,
      });
      if (report.exitCode !== 0) throw new Error(`${step.join(' ')} of ${database} failed:\n${report.output}`);
    }
  }
}

interface Server {
  /** The same after every start. */
  address: string;
  start(): Promise<void>;
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

async function createServer(
  { server: program }: ClusterPrograms,
  postgres: Postgres,
  { folder, pidFile }: { folder: string; pidFile: string },
): Promise<Server> {
  const ports = await Promise.all(Array.from({ length: SERVICES.length * 2 }, findLastingPort));
  const address = `127.0.0.1:${ports[0]}`;
  const config = join(folder, 'server.json');
  writeFileSync(config, JSON.stringify(toServerConfig(postgres, ports)), { mode: 0o600 });
  const args = ['--config-file', config, '--allow-no-auth', 'start'];
  const logFile = join(folder, 'server.log');
  let running: ServerProcess | null = null;
  return {
    address,
    async start() {
      const launched = await spawnServer(program, args, { dataDirectory: folder, logFile });
      running = launched;
      writeFileSync(pidFile, String(launched.pid));
      const ended = new AbortController();
      void launched.exited.then((exit) => {
        if (running === launched) running = null;
        rmSync(pidFile, { force: true });
        ended.abort(exit);
      });
      await waitUntilReady(address, NAMESPACE, { timeoutMs: START_TIMEOUT_MS, signal: ended.signal }).catch(
        async (error: unknown) => {
          throw new Error(`The Temporal server did not start:\n${await readLog(logFile, 0)}`, { cause: error });
        },
      );
    },
    async end(signal) {
      if (running === null) return;
      const { pid, exited } = running;
      const mark = await markOf(pid);
      if (signal === 'SIGKILL') process.kill(pid, 'SIGKILL');
      else if (mark !== undefined) await endProcess(mark);
      await exited;
    },
  };
}

async function registerSearchAttributes(address: string): Promise<void> {
  const bobbin = await connectBobbin({ connection: { address }, namespace: NAMESPACE, deadlineMs: 30_000 });
  try {
    await bobbin.searchAttributes.register();
  } finally {
    await bobbin.close();
  }
}
