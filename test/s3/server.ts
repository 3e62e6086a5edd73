/** A server of the S3 protocol for tests: the one that S3_SERVER names, or one that is built once. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { installWithGo } from '../../src/dev/temporal-service/obtain/go-install.ts';
import { findOnPath } from '../../src/dev/temporal-service/obtain/program.ts';
import type { Progress } from '../../src/dev/temporal-service/obtain/progress.ts';
import { cacheDirectory } from '../../src/folders/folders.ts';
import { isOnlyOurs } from '../../src/folders/private-folder.ts';

const VERSION = 'v1.8.0';
const PACKAGE = `github.com/versity/versitygw/cmd/versitygw@${VERSION}`;
/** Two and a half minutes of processor time, on a machine that may do other things. */
const BUILD_TIMEOUT_MS = 30 * 60 * 1000;

export const HOW_TO_GET_ONE = '`npm run test:s3` builds the server that they need, once, and S3_SERVER names another';

/** The program, if there is one on this machine. */
export function findS3Server(): string | null {
  const named = process.env['S3_SERVER'];
  if (named) return named;
  const built = toBuilt();
  return existsSync(built) && isOnlyOurs(built) ? built : null;
}

/** Builds it if there is none. Answers why not if there is no Go; throws if the build fails. */
export async function obtainS3Server(onProgress: Progress): Promise<{ program: string } | { problem: string }> {
  const found = findS3Server();
  if (found !== null) return { program: found };
  if (findOnPath('go', process.env) === undefined)
    return { problem: 'Go is missing, which builds the server: no go on PATH, and S3_SERVER names none' };
  const target = toBuilt();
  const outcome = await installWithGo({
    cacheDirectory: cacheDirectory(process.env),
    env: process.env,
    what: 'versitygw, a server of the S3 protocol,',
    programs: [{ package: PACKAGE, builtAs: 'versitygw', target }],
    takes: 'one to three minutes',
    timeoutMs: BUILD_TIMEOUT_MS,
    onProgress,
  });
  if (outcome !== 'built') throw new Error(`${PACKAGE} cannot be built: ${outcome.problem}`);
  return { program: target };
}

function toBuilt(): string {
  return join(cacheDirectory(process.env), `versitygw-${VERSION}`, 'versitygw');
}
