/** The workflow bundle: built once by `npm run build`, and again when the sources have changed since. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DefaultLogger, bundleWorkflowCode } from '@temporalio/worker';

/** Root of the checkout or of the installed package: the folder that holds `workflows/`. */
const here = fileURLToPath(import.meta.url);
const root = resolve(dirname(here), '../..');
const extension = here.endsWith('.ts') ? 'ts' : 'js';

export interface BuiltBundle {
  code: string;
  /** Modules inside, by their place below the root or in a package. */
  modules: string[];
}

/** @param interceptors modules of a test that are to be run within the workflows, too. */
export async function buildBundle(interceptors: readonly string[] = []): Promise<BuiltBundle> {
  const workflowsPath = join(root, 'workflows', `index.${extension}`);
  const workflowInterceptorModules = [
    join(root, 'workflows', 'sandbox', `stale-query-fence.${extension}`),
    ...interceptors,
  ];
  const { code } = await bundleWorkflowCode({
    workflowsPath,
    workflowInterceptorModules,
    payloadConverterPath: payloadConverterPath(),
    // Evaluated once for all workflows of a worker, and frozen: they keep nothing, which the linter sees to.
    preloadModules: [workflowsPath, ...workflowInterceptorModules],
    logger: new DefaultLogger('WARN'),
  });
  const modules = [...code.matchAll(/^\/\*\*\*\/ "([^"]+)"/gm)].map((match) => match[1] ?? '');
  return { code, modules };
}

export function payloadConverterPath(): string {
  return join(root, 'workflows', 'sandbox', `payload-converter.${extension}`);
}

/** On the first line of the bundle, so that its source map still fits. */
const NO_STACK_TRACES = 'Error.stackTraceLimit = 0;';

/**
 * The bundle for this source, from the cache if it is there.
 *
 * @param options.stackTraces whether errors and promises within workflows have stack traces. The SDK takes one of every
 *   promise, for the query `__stack_trace`, which is nearly half of the time of a replay.
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
    // An unwritable installation costs a second at each start, no more.
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
