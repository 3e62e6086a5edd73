/** The embedded stack that a run works with: its own Temporal service and worker, in the folder of the run. */
import { execFileSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Bobbin, connectBobbin } from '../src/client/index.ts';
import { openStack } from '../src/dev/one-stack.ts';
import type { Stack } from '../src/dev/stack.ts';
import { dataDirectory } from '../src/folders/folders.ts';

/** Settings of Bobbin that a run takes from the environment. Others would change what is measured, or where. */
const TAKEN = [
  ...['BOBBIN_MODEL_BASE_URL', 'BOBBIN_MODEL_API_KEY', 'BOBBIN_MODELS', 'BOBBIN_INSTRUCTIONS'],
  ...['BOBBIN_CONTEXT_WINDOW', 'BOBBIN_AUTO_COMPACT_TOKENS', 'BOBBIN_CACHE', 'BOBBIN_TEMPORAL'],
];

export function takenSettings(env: NodeJS.ProcessEnv): string[] {
  return TAKEN.filter((name) => (env[name] ?? '') !== '');
}

export function toStackEnvironment(
  env: NodeJS.ProcessEnv,
  { model, root }: { model: string; root: string },
): NodeJS.ProcessEnv {
  const others = Object.entries(env).filter(([name]) => !/^(BOBBIN|TEMPORAL)_/.test(name) || TAKEN.includes(name));
  return {
    ...Object.fromEntries(others),
    ...ownModels(env),
    BOBBIN_MODEL: model,
    // Checks and solutions are here, and other results there.
    BOBBIN_DENY_READ: [...checksAndTheirHistory(), realpathSync(root)].join(delimiter),
    BOBBIN_SHUTDOWN_GRACE_MS: '2000',
    BOBBIN_LOG_LEVEL: 'WARN',
  };
}

/** Those of the person: the data folder of a run has none. */
function ownModels(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const file = env['BOBBIN_MODELS'] || join(dataDirectory(env), 'models.json');
  return existsSync(file) ? { BOBBIN_MODELS: file } : {};
}

/** Checks and solutions, what describes and tests them, and the repository that has all of it in its objects. */
export function checksAndTheirHistory(): string[] {
  const here = fileURLToPath(new URL('.', import.meta.url));
  const folders = [here, join(here, '../docs'), join(here, '../test')];
  try {
    const asked = ['rev-parse', '--path-format=absolute', '--git-dir', '--git-common-dir'];
    const printed = execFileSync('git', asked, { cwd: here, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return [...folders, ...new Set(printed.trim().split('\n'))];
  } catch {
    // Not a clone.
    return folders;
  }
}

export interface OpenedStack extends AsyncDisposable {
  bobbin: Bobbin;
  stack: Stack;
}

export async function openOwnStack(options: {
  folder: string;
  env: NodeJS.ProcessEnv;
  progress: (line: string) => void;
  signal: AbortSignal;
}): Promise<OpenedStack> {
  const { folder, env, progress, signal } = options;
  const opened = await openStack({ dataDirectory: join(folder, 'stack'), env, onProgress: progress, signal });
  if (opened.type === 'joined') throw new Error(`Process ${opened.stack.pid} is already working in ${folder}.`);
  const { stack } = opened;
  try {
    const { address, namespace, taskQueue } = stack;
    const bobbin = await connectBobbin({ connection: { address }, namespace, taskQueue });
    const dispose = async () => {
      await bobbin.close();
      await stack.stop();
    };
    return { bobbin, stack, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await stack.stop();
    throw error;
  }
}
