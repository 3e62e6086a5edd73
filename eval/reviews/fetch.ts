/** Fetches packages with npm and pip, and compares each with the hash of the list. Nothing of them is run. */
import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Release, ReviewCase } from './list.ts';

const run = promisify(execFile);
const TIMEOUT_MS = 300_000;

type Fetched = Pick<ReviewCase, 'registry' | 'package'>;

/** Unpacks one version into a new folder. Downloads are kept in `packages`. */
export async function unpack(
  from: Fetched,
  release: Release,
  { packages, into, signal }: { packages: string; into: string; signal: AbortSignal },
): Promise<void> {
  const archive = await download(from, release, packages, signal);
  await mkdir(into, { recursive: true });
  if (from.registry === 'npm') {
    await run('tar', ['-xzf', archive, '--strip-components=1', '--no-same-owner', '-C', into], { signal });
  } else await run('python3', ['-m', 'zipfile', '-e', archive, into], { signal });
}

async function download(from: Fetched, release: Release, packages: string, signal: AbortSignal): Promise<string> {
  const file = join(packages, `${from.registry}-${from.package}-${release.version}`);
  if (!existsSync(file)) {
    const folder = join(packages, `.${randomUUID()}`);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    try {
      await ask(from, release, folder, signal);
      const [name = ''] = (await readdir(folder)).filter((entry) => /\.(tgz|whl)$/.test(entry));
      await rename(join(folder, name), file);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  const hash = await hashOf(file, release.hash);
  if (hash === release.hash) return file;
  await rm(file, { force: true });
  throw new Error(`${from.package} ${release.version} has the hash ${hash}, not ${release.hash} as in the list.`);
}

async function ask(from: Fetched, { version }: Release, folder: string, signal: AbortSignal): Promise<void> {
  const options = { cwd: folder, signal, timeout: TIMEOUT_MS };
  const program = from.registry === 'npm' ? 'npm' : 'python3';
  const args =
    from.registry === 'npm'
      ? ['pack', '--silent', '--ignore-scripts', `${from.package}@${version}`]
      : [
          ...['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-deps'],
          // A source distribution would run its own code to be built.
          ...['--only-binary', ':all:', `${from.package}==${version}`],
        ];
  try {
    await run(program, args, options);
  } catch (error) {
    signal.throwIfAborted();
    const { stderr = '', message } = error as Error & { stderr?: string };
    throw new Error(`${program} cannot fetch ${from.package} ${version}: ${stderr.trim().slice(-300) || message}`, {
      cause: error,
    });
  }
}

async function hashOf(file: string, form: string): Promise<string> {
  const content = await readFile(file);
  if (form.startsWith('sha512-')) return `sha512-${createHash('sha512').update(content).digest('base64')}`;
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}
