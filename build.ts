/**
 * The second half of `npm run build`: one file each for the command, the worker and the other programs, the workflow
 * bundle (docs/decisions/0008-bundled-programs.md), the page for browsers (docs/decisions/0010-page.md), and the package of
 * the client (docs/decisions/0009-client-package.md), and the worker as a library.
 */
import { copyFileSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type OutputChunk, type Plugin, rolldown } from 'rolldown';
import { dts } from 'rolldown-plugin-dts';
import { bundlePage, bundleStyle } from './src/dev/page-bundle.ts';
import { BUILT_CLIENT, BUILT_PAGE, BUILT_PROGRAMS, BUILT_WORKER, PAGE_SOURCES } from './src/folders/program-files.ts';
import { PACKAGE_ROOT, PROGRAMS } from './src/folders/program-files.ts';
import { BUILT_BUNDLE, PAYLOAD_CONVERTER, loadBundle } from './src/worker/bundle.ts';

const { bobbin, supervisor, launcher, ...workerPrograms } = PROGRAMS;

/** React has a slower build for its users' development. */
const PRODUCTION = { 'process.env.NODE_ENV': '"production"' };

/** The Temporal SDK of a worker has native parts and loads files of its own by their paths. */
const WORKER_SDK = [/^@temporalio\//];

/** What only developers load: those of `ink`, and of Bobbin when it runs from its sources. */
const NOT_INSTALLED = ['react-devtools-core', 'rolldown'];

const MIT = `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation
files (the "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify,
merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished
to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF
MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE
FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION
WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`;

/** An `import` of node:http evaluates its getters, which load undici, in 50 ms. A `require` does not. */
const HTTP_WITHOUT_UNDICI: Plugin = {
  name: 'http-without-undici',
  resolveId: (id) => (/^node:https?$/.test(id) ? `\0${id}` : null),
  load: (id) =>
    id.startsWith('\0node:http') ? `module.exports = process.getBuiltinModule(${JSON.stringify(id.slice(1))});` : null,
};

/** The API of Temporal Cloud is a quarter of all messages, which each start of the command would describe to protobufjs. */
const WITHOUT_CLOUD_API: Plugin = {
  name: 'without-cloud-api',
  transform: {
    filter: { id: /@temporalio.proto.protos.json-module\.js$/ },
    handler(code) {
      const from = code.indexOf('.addJSON(') + '.addJSON('.length;
      const to = code.lastIndexOf('});') + 1;
      const root = JSON.parse(code.slice(from, to)) as {
        temporal: { nested: { api: { nested: { cloud?: object } } } };
      };
      delete root.temporal.nested.api.nested.cloud;
      // No stack trace leads there.
      return { code: code.slice(0, from) + JSON.stringify(root) + code.slice(to), map: { mappings: '' } };
    },
  },
};

rmSync(BUILT_PROGRAMS, { recursive: true, force: true });
rmSync(BUILT_CLIENT, { recursive: true, force: true });
rmSync(BUILT_WORKER, { recursive: true, force: true });
rmSync(BUILT_PAGE, { recursive: true, force: true });
const chunks = [
  ...(await bundle({ bobbin }, NOT_INSTALLED)),
  // Alone, so that they load nothing of the worker's.
  ...(await bundle({ supervisor }, [])),
  ...(await bundle({ launcher }, [])),
  ...(await bundle({ ...workerPrograms, 'payload-converter': PAYLOAD_CONVERTER }, WORKER_SDK)),
];
writeFileSync(join(BUILT_PROGRAMS, 'THIRD-PARTY-LICENSES.txt'), licensesOf(chunks));
writeFileSync(BUILT_BUNDLE, (await loadBundle({ stackTraces: true })).code);
await buildPage();
await buildClient();
await buildWorker();

async function bundle(input: Record<string, string>, external: (string | RegExp)[]): Promise<OutputChunk[]> {
  const build = await rolldown({
    cwd: PACKAGE_ROOT,
    input,
    external,
    platform: 'node',
    plugins: [HTTP_WITHOUT_UNDICI, WITHOUT_CLOUD_API],
    transform: { define: PRODUCTION },
  });
  const { output } = await build.write({
    dir: BUILT_PROGRAMS,
    sourcemap: true,
    // The names of files and lines are enough for stack traces.
    sourcemapExcludeSources: true,
    chunkFileNames: 'chunks/[name]-[hash].js',
  });
  await build.close();
  return output.filter((file) => file.type === 'chunk');
}

async function buildPage(): Promise<void> {
  const page = await bundlePage();
  mkdirSync(BUILT_PAGE, { recursive: true });
  writeFileSync(join(BUILT_PAGE, 'page.js'), page.code);
  writeFileSync(join(BUILT_PAGE, 'page.css'), bundleStyle());
  for (const name of ['index.html', 'icon.svg']) copyFileSync(join(PAGE_SOURCES, name), join(BUILT_PAGE, name));
  writeFileSync(join(BUILT_PAGE, 'THIRD-PARTY-LICENSES.txt'), licensesOf([page]));
}

/** A package that needs only zod, since its types are zod's; it has no native part and no install script. */
async function buildClient(): Promise<void> {
  const entries = { index: 'src/client/index', contract: 'src/contract/index' };
  const chunks = await buildLibrary(BUILT_CLIENT, entries, [/^zod/]);

  const { version, license, engines, exports, dependencies } = manifestOf(PACKAGE_ROOT);
  const manifest = {
    name: 'bobbin-client',
    version,
    description: 'Starts and drives the coding-agent threads of Bobbin',
    license,
    type: 'module',
    engines,
    exports: { '.': inClient(exports['./client']), './contract': inClient(exports['./contract']) },
    dependencies: { zod: dependencies['zod'] },
  };
  writeFileSync(join(BUILT_CLIENT, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  writeFileSync(join(BUILT_CLIENT, 'THIRD-PARTY-LICENSES.txt'), licensesOf(chunks));
  copyFileSync(join(PACKAGE_ROOT, 'LICENSE'), join(BUILT_CLIENT, 'LICENSE'));
  copyFileSync(join(PACKAGE_ROOT, 'src', 'client', 'README.md'), join(BUILT_CLIENT, 'README.md'));
}

/** The worker as a library. Users define schemas for it, so it takes the same zod as they do. */
async function buildWorker(): Promise<void> {
  const entries = { worker: 'src/worker/index', workflows: 'src/worker/workflows' };
  const chunks = await buildLibrary(BUILT_WORKER, entries, [/^zod/, ...WORKER_SDK]);
  writeFileSync(join(BUILT_WORKER, 'THIRD-PARTY-LICENSES.txt'), licensesOf(chunks));
}

/** Modules for `import` and for `require`, with the types of both, which TypeScript reads by the ending of the file. */
async function buildLibrary(
  dir: string,
  entries: Record<string, string>,
  external: (string | RegExp)[],
): Promise<OutputChunk[]> {
  const build = await rolldown({
    cwd: PACKAGE_ROOT,
    input: mapEntries(entries, (name, path) => [name, `${path}.ts`]),
    external,
    platform: 'node',
    plugins: [HTTP_WITHOUT_UNDICI],
  });
  const shared = { dir, sourcemap: true, sourcemapExcludeSources: true } as const;
  const { output } = await build.write({ ...shared, format: 'esm', chunkFileNames: '[name]-[hash].js' });
  await build.write({ ...shared, format: 'cjs', entryFileNames: '[name].cjs', chunkFileNames: '[name]-[hash].cjs' });
  await build.close();

  const types = await rolldown({
    cwd: PACKAGE_ROOT,
    input: mapEntries(entries, (name, path) => [`${name}.d`, `dist/types/${path}.d.ts`]),
    external: /^(zod|node:|@temporalio\/)/,
    plugins: [dts({ dtsInput: true })],
    checks: { bundlerTimings: false },
  });
  const declarations = await types.write({ dir, entryFileNames: '[name].ts', chunkFileNames: 'shared.d.ts' });
  await types.close();
  for (const { fileName } of declarations.output.filter((file) => file.fileName.endsWith('.d.ts'))) {
    const text = readFileSync(join(dir, fileName), 'utf8');
    const forRequire = join(dir, fileName.replace(/\.d\.ts$/, '.d.cts'));
    writeFileSync(forRequire, text.replaceAll('"./shared.js"', '"./shared.cjs"'));
  }
  return output.filter((file) => file.type === 'chunk');
}

function mapEntries(
  entries: Record<string, string>,
  toEntry: (name: string, path: string) => [string, string],
): Record<string, string> {
  return Object.fromEntries(Object.entries(entries).map(([name, path]) => toEntry(name, path)));
}

function inClient(exported: unknown): unknown {
  return JSON.parse(JSON.stringify(exported).replaceAll('./dist/client/', './'));
}

interface Manifest {
  name: string;
  version: string;
  license: string;
  author?: unknown;
  engines: object;
  exports: Record<string, object>;
  dependencies: Record<string, string>;
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
}

/** The notices of all packages whose code is in these files. The text of Apache-2.0 is there in any case, for ours. */
function licensesOf(chunks: readonly OutputChunk[]): string {
  const packages = new Set(chunks.flatMap(({ moduleIds }) => moduleIds.flatMap(packageFolder)));
  const ours = readFileSync(join(PACKAGE_ROOT, 'LICENSE'), 'utf8').trim();
  return [ours, ...[...packages].sort().map(noticeOf)].join('\n\n');
}

function packageFolder(moduleId: string): string[] {
  const found = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(moduleId.replaceAll('\\', '/'));
  return found === null ? [] : [found[0]];
}

function noticeOf(folder: string): string {
  const { name, version, license } = manifestOf(folder);
  const texts = readdirSync(folder)
    .filter((file) => /^(licen[cs]e|notice|copying)/i.test(file))
    .map((file) => readFileSync(join(folder, file), 'utf8').trim());
  if (texts.length === 0) texts.push(standardText(folder));
  const title = `${name} ${version} (${license})`;
  return ['-'.repeat(80), title, ...texts].join('\n\n');
}

/** The text of a licence that a package names without a copy of it. */
function standardText(folder: string): string {
  const { license, author } = manifestOf(folder);
  if (license === 'Apache-2.0') return 'Under the Apache License, Version 2.0, as above.';
  if (license === 'MIT' && typeof author === 'string') return `Copyright (c) ${author}\n\n${MIT}`;
  throw new Error(`${folder} has no licence text to keep. Make it external in build.ts.`);
}
