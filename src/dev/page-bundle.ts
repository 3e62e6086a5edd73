/** Bundles the page for browsers: at `npm run build`, and in memory when the server runs from its sources. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type OutputChunk, rolldown } from 'rolldown';
import { PACKAGE_ROOT, PAGE_SOURCES } from '../folders/program-files.ts';

export async function bundlePage(): Promise<OutputChunk> {
  const build = await rolldown({
    cwd: PACKAGE_ROOT,
    input: join(PACKAGE_ROOT, 'src/interfaces/page/main.tsx'),
    platform: 'browser',
    transform: { jsx: { runtime: 'automatic', importSource: 'preact' }, target: 'es2023' },
    tsconfig: false,
  });
  const { output } = await build.generate({ minify: true, codeSplitting: false });
  await build.close();
  return output[0];
}

/** Later files override earlier ones. */
const STYLES = ['base', 'parts', 'forms', 'list', 'text', 'thread', 'reviews', 'chart'];

export function bundleStyle(): string {
  return STYLES.map((name) => readFileSync(join(PAGE_SOURCES, 'style', `${name}.css`), 'utf8')).join('\n');
}
