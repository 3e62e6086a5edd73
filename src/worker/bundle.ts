/** The workflow bundle. `npm run build` builds it; a worker rebuilds it if the sources have changed. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DefaultLogger, bundleWorkflowCode } from '@temporalio/worker';

/** The folder that contains `workflows/`: the root of the checkout or of the installed package. */
const here = fileURLToPath(import.meta.url);
const root = resolve(dirname(here), '../..');
const extension = here.endsWith('.ts') ? 'ts' : 'js';

/** @param interceptors modules of a test that run inside the workflows */
export async function buildBundle(interceptors: readonly string[] = []): Promise<{ code: string }> {
  const workflowsPath = join(root, 'workflows', `index.${extension}`);
  const workflowInterceptorModules = [
    ...['stale-query-fence', 'reserved-signals'].map((name) =>
      join(root, 'workflows', 'sandbox', `${name}.${extension}`),
    ),
    ...interceptors,
  ];
  const { code } = await bundleWorkflowCode({
    workflowsPath,
    workflowInterceptorModules,
    payloadConverterPath: payloadConverterPath(),
    // Evaluated once for all workflows of a worker, and frozen. A lint rule ensures that they keep no state.
    preloadModules: [workflowsPath, ...workflowInterceptorModules],
    logger: new DefaultLogger('WARN'),
  });
  return { code };
}

export function payloadConverterPath(): string {
  return join(root, 'workflows', 'sandbox', `payload-converter.${extension}`);
}

/** Added to the first line of the bundle, so that the source map stays valid. */
const NO_STACK_TRACES = 'Error.stackTraceLimit = 0;';

/**
 * Returns the bundle of the current sources, from the cache if possible.
 *
 * @param options.stackTraces whether errors and promises in workflows have stack traces. The SDK takes one for every
 *   promise, for the query `__stack_trace`, which costs nearly half of the time of a replay
 */
export async function loadBundle({ stackTraces }: { stackTraces: boolean }): Promise<{ code: string }> {
  const code = await cachedBundle();
  return { code: stackTraces ? code : `${NO_STACK_TRACES}${code}` };
}

async function cachedBundle(): Promise<string> {
  const file = join(root, extension === 'ts' ? 'dist' : '.', `workflow-bundle-${hashOfSources()}.cjs`);
  if (existsSync(file)) return readFileSync(file, 'utf8');
  const { code } = await buildBundle();
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(`${file}.${process.pid}`, code);
    renameSync(`${file}.${process.pid}`, file);
  } catch {
    // If the installation is not writable, each start takes a second longer.
  }
  return code;
}

function hashOfSources(): string {
  const hash = createHash('sha256').update(readFileSync(here));
  hash.update(readFileSync(createRequire(here).resolve('@temporalio/worker/package.json')));
  for (const folder of ['workflows', join('src', 'contract', 'plain')])
    for (const file of sourcesBelow(join(root, folder))) hash.update(file).update(readFileSync(file));
  return hash.digest('hex').slice(0, 16);
}

function sourcesBelow(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return names
    .filter((name) => name.endsWith(`.${extension}`) && !name.endsWith(`.test.${extension}`))
    .sort()
    .map((name) => join(folder, name));
}

if (process.argv[1] === here) await cachedBundle();
