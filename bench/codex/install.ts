/** The real Codex, which is measured against: 400 MB, so it is installed when it is needed, behind its own manifest. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface Codex {
  version: string;
  /** Entry point to be run by Node. */
  entry: string;
}

const FOLDER = new URL('../peers/', import.meta.url);
const PACKAGE = new URL('./node_modules/@openai/codex/', FOLDER);

/** Entry point of what is installed; undefined if nothing is. */
export function installedCodex(): string | undefined {
  const entry = fileURLToPath(new URL('./bin/codex.js', PACKAGE));
  return existsSync(entry) ? entry : undefined;
}

/** Rejects where it is not there and cannot be installed. */
export async function ensureCodex(progress: (line: string) => void, signal: AbortSignal): Promise<Codex> {
  const wanted = readVersion(new URL('./package.json', FOLDER), (json) => json.dependencies?.['@openai/codex']);
  if (readVersion(new URL('./package.json', PACKAGE), (json) => json.version) !== wanted) {
    progress(`installing @openai/codex ${wanted ?? ''} into bench/peers, 400 MB, once`);
    await install(signal);
  }
  return { version: wanted ?? 'unknown', entry: fileURLToPath(new URL('./bin/codex.js', PACKAGE)) };
}

interface Manifest {
  version?: string;
  dependencies?: Record<string, string>;
}

function readVersion(file: URL, pick: (json: Manifest) => string | undefined): string | undefined {
  return existsSync(file) ? pick(JSON.parse(readFileSync(file, 'utf8')) as Manifest) : undefined;
}

function install(signal: AbortSignal): Promise<void> {
  const args = ['ci', '--prefix', fileURLToPath(FOLDER), '--ignore-scripts', '--no-audit', '--no-fund'];
  return new Promise((resolve, reject) => {
    const npm = spawn('npm', args, { stdio: ['ignore', 'ignore', 'pipe'], signal });
    let errors = '';
    npm.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    npm.once('error', reject);
    npm.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`npm ${args.join(' ')} ended with code ${code ?? 'none'}: ${errors.trim().slice(-500)}`));
    });
  });
}
