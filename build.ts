/**
 * The second half of `npm run build`: one file each for the command, the worker and the other programs, and the workflow
 * bundle (docs/decisions/0008-bundled-programs.md).
 */
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type OutputChunk, type Plugin, rolldown } from 'rolldown';
import { BUILT_PROGRAMS, PACKAGE_ROOT, PROGRAMS } from './src/folders/program-files.ts';
import { BUILT_BUNDLE, PAYLOAD_CONVERTER, loadBundle } from './src/worker/bundle.ts';

const { bobbin, ...workerPrograms } = PROGRAMS;

/** The Temporal SDK of a worker has native parts and loads files of its own by their paths. */
const WORKER_SDK = [/^@temporalio\//];

/** An `import` of node:http evaluates its getters, which load undici, in 50 ms. A `require` does not. */
const HTTP_WITHOUT_UNDICI: Plugin = {
  name: 'http-without-undici',
  resolveId: (id) => (/^node:https?$/.test(id) ? `\0${id}` : null),
  load: (id) =>
    id.startsWith('\0node:http') ? `module.exports = process.getBuiltinModule(${JSON.stringify(id.slice(1))});` : null,
};

rmSync(BUILT_PROGRAMS, { recursive: true, force: true });
const chunks = [
  ...(await bundle({ bobbin }, [])),
  ...(await bundle({ ...workerPrograms, 'payload-converter': PAYLOAD_CONVERTER }, WORKER_SDK)),
];
writeFileSync(join(BUILT_PROGRAMS, 'THIRD-PARTY-LICENSES.txt'), licensesOf(chunks));
writeFileSync(BUILT_BUNDLE, (await loadBundle({ stackTraces: true })).code);

async function bundle(input: Record<string, string>, external: RegExp[]): Promise<OutputChunk[]> {
  const build = await rolldown({
    cwd: PACKAGE_ROOT,
    input,
    external,
    platform: 'node',
    plugins: [HTTP_WITHOUT_UNDICI],
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
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<string, string>;
  const texts = readdirSync(folder)
    .filter((file) => /^(licen[cs]e|notice|copying)/i.test(file))
    .map((file) => readFileSync(join(folder, file), 'utf8').trim());
  if (texts.length === 0 && manifest['license'] !== 'Apache-2.0')
    throw new Error(`${folder} has no licence text to keep. Make it external in build.ts.`);
  const title = `${manifest['name']} ${manifest['version']} (${manifest['license']})`;
  return ['-'.repeat(80), title, ...texts].join('\n\n');
}
