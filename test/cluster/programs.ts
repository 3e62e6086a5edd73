/** The programs of a Temporal server with PostgreSQL: those of this machine, and those that are built once. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { installWithGo } from '../../src/dev/temporal-service/obtain/go-install.ts';
import { findOnPath } from '../../src/dev/temporal-service/obtain/program.ts';
import type { Progress } from '../../src/dev/temporal-service/obtain/progress.ts';
import { cacheDirectory } from '../../src/folders/folders.ts';
import { isOnlyOurs } from '../../src/folders/private-folder.ts';

/** As in docker-compose.yml. */
export const SERVER_VERSION = '1.32.1';
const MODULE = 'go.temporal.io/server';
/** Where Debian has the programs of PostgreSQL that no PATH names. */
const DEBIAN = '/usr/lib/postgresql';
/** Eight minutes of processor time, on a machine that may do other things. */
const BUILD_TIMEOUT_MS = 60 * 60 * 1000;
/** PostgreSQL does not run as root. */
export const POSTGRES_USER = 'postgres';

export interface ClusterPrograms {
  server: string;
  sqlTool: string;
  /** Folder of `initdb` and `pg_ctl`. */
  postgres: string;
}

const isRoot = process.getuid?.() === 0;
/** A command line that runs a program of PostgreSQL begins with these words. */
export const AS_ORDINARY_USER = isRoot
  ? ['setpriv', `--reuid=${POSTGRES_USER}`, `--regid=${POSTGRES_USER}`, '--clear-groups', '--']
  : [];

function places(): ClusterPrograms {
  const built = join(cacheDirectory(process.env), `temporal-server-${SERVER_VERSION}`);
  return { server: join(built, 'server'), sqlTool: join(built, 'sql'), postgres: findPostgres() ?? '' };
}

const isBuilt = ({ server, sqlTool }: ClusterPrograms) =>
  [server, sqlTool].every((path) => existsSync(path) && isOnlyOurs(path));

function findPostgres(): string | undefined {
  const onPath = findOnPath('initdb', process.env);
  if (onPath !== undefined) return dirname(onPath);
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).toSorted((a, b) => Number(b) - Number(a)) : [];
  return versions.map((version) => join(DEBIAN, version, 'bin')).find((bin) => existsSync(join(bin, 'initdb')));
}

/** Why no cluster can be started on this machine; null if one can. */
export function whyNoCluster(): string | null {
  const found = places();
  if (found.postgres === '') return `PostgreSQL is missing: no initdb on PATH or in ${DEBIAN}`;
  if (isRoot && !hasPostgresUser())
    return `PostgreSQL does not run as root, and setpriv or a user ${POSTGRES_USER} is missing`;
  if (!isBuilt(found) && findOnPath('go', process.env) === undefined)
    return `Go is missing, which builds the Temporal server: no go on PATH`;
  return null;
}

function hasPostgresUser(): boolean {
  const [program = '', ...words] = AS_ORDINARY_USER;
  try {
    execFileSync(program, [...words, 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Builds the server, if it was not yet. Throws if that fails. */
export async function obtainClusterPrograms(onProgress?: Progress): Promise<ClusterPrograms> {
  const found = places();
  if (isBuilt(found)) return found;
  const outcome = await installWithGo({
    cacheDirectory: cacheDirectory(process.env),
    env: process.env,
    what: 'the Temporal service',
    programs: [
      { package: `${MODULE}/cmd/server@v${SERVER_VERSION}`, builtAs: 'server', target: found.server },
      { package: `${MODULE}/cmd/tools/sql@v${SERVER_VERSION}`, builtAs: 'sql', target: found.sqlTool },
    ],
    takes: 'five to ten minutes',
    timeoutMs: BUILD_TIMEOUT_MS,
    ...(onProgress === undefined ? {} : { onProgress }),
  });
  if (outcome !== 'built') throw new Error(`The Temporal server ${SERVER_VERSION} cannot be built: ${outcome.problem}`);
  return found;
}
