/** The files of the page. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BUILT_PAGE, PAGE_SOURCES, isBuilt } from '../../folders/program-files.ts';

export interface PageFile {
  path: string;
  mediaType: string;
  /** The same for the whole life of the process. */
  read: () => Promise<string>;
}

const FILES = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/assets/page.css': ['page.css', 'text/css; charset=utf-8'],
  '/assets/icon.svg': ['icon.svg', 'image/svg+xml'],
  '/assets/page.js': ['page.js', 'text/javascript; charset=utf-8'],
} as const;

export function pageFiles(): PageFile[] {
  return Object.entries(FILES).map(([path, [name, mediaType]]) => {
    let text: Promise<string> | undefined;
    return { path, mediaType, read: () => (text ??= readText(name)) };
  });
}

async function readText(name: (typeof FILES)[keyof typeof FILES][0]): Promise<string> {
  if (isBuilt) return readFileSync(join(BUILT_PAGE, name), 'utf8');
  if (name !== 'page.js' && name !== 'page.css') return readFileSync(join(PAGE_SOURCES, name), 'utf8');
  const { bundlePage, bundleStyle } = await import('../../dev/page-bundle.ts');
  return name === 'page.css' ? bundleStyle() : (await bundlePage()).code;
}
