/** The tools of others that read reports: Microsoft's for SARIF, 100 MB, and reviewdog. Each is installed when it is needed. */
import { spawn } from 'node:child_process';
import { chmodSync, existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('./', import.meta.url));
const PLATFORM = process.platform === 'darwin' ? 'darwin' : 'linux';
const MULTITOOL = `${FOLDER}node_modules/@microsoft/sarif-multitool-${PLATFORM}/Sarif.Multitool`;
const REVIEWDOG = `${FOLDER}bin/reviewdog`;

/** Later tags may not install. */
const REVIEWDOG_VERSION = 'v0.21.0';

export interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
}

export async function ensureMultitool(): Promise<string> {
  if (!existsSync(MULTITOOL)) {
    console.error('installing @microsoft/sarif-multitool into bench/report-tools, 100 MB, once');
    await must('npm', ['ci', '--prefix', FOLDER, '--ignore-scripts', '--no-audit', '--no-fund']);
    chmodSync(MULTITOOL, 0o755);
  }
  return MULTITOOL;
}

/** Needs Go. */
export async function ensureReviewdog(): Promise<string> {
  if (!existsSync(REVIEWDOG)) {
    console.error(`building reviewdog ${REVIEWDOG_VERSION} into bench/report-tools/bin, once`);
    const env = { ...process.env, GOBIN: `${FOLDER}bin` };
    await must('go', ['install', `github.com/reviewdog/reviewdog/cmd/reviewdog@${REVIEWDOG_VERSION}`], { env });
  }
  return REVIEWDOG;
}

async function must(command: string, args: string[], options: { env?: NodeJS.ProcessEnv } = {}): Promise<void> {
  const { code, stderr } = await run(command, args, options);
  if (code !== 0)
    throw new Error(`${command} ${args.join(' ')} ended with ${code ?? 'a signal'}: ${stderr.trim().slice(-500)}`);
}

/** Rejects where it cannot be started. */
export function run(
  command: string,
  args: string[],
  options: { env?: NodeJS.ProcessEnv; cwd?: string; input?: string } = {},
): Promise<Ran> {
  const { input = '', ...rest } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...rest, stdio: 'pipe' });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
    // One that ends before it has read everything says so by its code.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}
