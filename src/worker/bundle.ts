/** The workflow bundle. `npm run build` builds it; a worker that runs from sources rebuilds it if they have changed. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { type BundleOptions, DefaultLogger, bundleWorkflowCode } from '@temporalio/worker';
import { BUILT_PROGRAMS, PACKAGE_ROOT, isBuilt } from '../folders/program-files.ts';

const SOURCES = join(PACKAGE_ROOT, 'workflows');
export const PAYLOAD_CONVERTER = join(SOURCES, 'sandbox', 'payload-converter.ts');
export const BUILT_BUNDLE = join(BUILT_PROGRAMS, 'workflow-bundle.cjs');

/** @param interceptors modules of a test that run inside the workflows */
export async function buildBundle(interceptors: readonly string[] = []): Promise<{ code: string }> {
  const workflowsPath = join(SOURCES, 'index.ts');
  const workflowInterceptorModules = [
    ...['stale-query-fence', 'reserved-signals'].map((name) => join(SOURCES, 'sandbox', `${name}.ts`)),
    ...interceptors,
  ];
  const { code } = await bundleWorkflowCode({
    workflowsPath,
    workflowInterceptorModules,
    payloadConverterPath: PAYLOAD_CONVERTER,
    // Evaluated once for all workflows of a worker, and frozen. A lint rule ensures that they keep no state.
    preloadModules: [workflowsPath, ...workflowInterceptorModules],
    webpackConfigHook: keepSyntax,
    logger: new DefaultLogger('WARN'),
  });
  return { code };
}

type Configuration = Parameters<NonNullable<BundleOptions['webpackConfigHook']>>[0];

/**
 * Workflows run in the Node.js of their worker, so what it understands need not be rewritten. The SDK asks for ES2017, where each
 * `{ ...state }` becomes a call that defines its properties one by one.
 */
function keepSyntax(config: Configuration): Configuration {
  const rules = (config.module?.rules ?? []) as { use?: { options?: { jsc?: { target?: string } } } }[];
  const [typescript, ...others] = rules.flatMap(({ use }) => use?.options?.jsc ?? []);
  if (typescript === undefined || others.length > 0)
    throw new Error('The SDK compiles workflows in another way than the one known here.');
  typescript.target = 'es2023';
  return config;
}

export function payloadConverterPath(): string {
  return isBuilt ? join(BUILT_PROGRAMS, 'payload-converter.js') : PAYLOAD_CONVERTER;
}

const NO_STACK_TRACES = 'Error.stackTraceLimit = 0;';

/**
 * Returns the bundle that was built with this module, or that of the current sources, from the cache if possible.
 *
 * @param options.stackTraces whether errors and promises in workflows have stack traces. The SDK takes one for every
 *   promise, for the query `__stack_trace`, which costs nearly half of the time of a replay
 */
export async function loadBundle({ stackTraces }: { stackTraces: boolean }): Promise<{ code: string }> {
  const code = await (loaded ??= isBuilt ? readFile(BUILT_BUNDLE, 'utf8') : cachedBundle());
  return { code: stackTraces ? code : `${NO_STACK_TRACES}${withoutSourceMap(code)}` };
}

/** Once for all workers of a process. */
let loaded: Promise<string> | undefined;

/** The map takes two thirds of the bundle, and each start decodes and encodes it. The SDK requires one with a file name. */
function withoutSourceMap(code: string): string {
  const map = JSON.stringify({ version: 3, file: 'workflow-bundle.js', sources: [], names: [], mappings: '' });
  const comment = `//# sourceMappingURL=data:application/json;base64,${Buffer.from(map).toString('base64')}`;
  return code.slice(0, code.lastIndexOf('//# sourceMappingURL=data:')) + comment;
}

async function cachedBundle(): Promise<string> {
  const file = join(PACKAGE_ROOT, 'dist', `workflow-bundle-${hashOfSources()}.cjs`);
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
  const hash = createHash('sha256').update(readFileSync(import.meta.filename));
  hash.update(readFileSync(createRequire(import.meta.url).resolve('@temporalio/worker/package.json')));
  for (const folder of ['workflows', join('src', 'contract', 'plain')])
    for (const file of sourcesBelow(join(PACKAGE_ROOT, folder))) hash.update(file).update(readFileSync(file));
  return hash.digest('hex').slice(0, 16);
}

function sourcesBelow(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return names
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .sort()
    .map((name) => join(folder, name));
}
