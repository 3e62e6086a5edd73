import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FAILURES } from '../../activities/failures.ts';
import { loadRows } from '../escape/run-rows.ts';
import { toMarkdownTable } from '../escape/table.ts';

const root = join(import.meta.dirname, '../..');
const pages = [
  'README.md',
  'AGENTS.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => join('docs', file)),
];

describe('the documentation', () => {
  it('has a section for every failure type', () => {
    const sections = new Set(
      [...readFileSync(join(root, 'docs/errors.md'), 'utf8').matchAll(/^### (\w+)$/gm)].map((match) => match[1]),
    );
    expect(Object.keys(FAILURES).filter((code) => !sections.has(code))).toEqual([]);
  });

  it.each(pages)('%s links only to what is there', (page) => {
    const links = [...readFileSync(join(root, page), 'utf8').matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(
      (match) => match[1] ?? '',
    );
    expect(links.filter((link) => !existsSync(resolve(root, dirname(page), link)))).toEqual([]);
  });

  it('names every variable that the worker reads', () => {
    const read = new Set(readFileSync(join(root, 'src/worker/config.ts'), 'utf8').match(/\bBOBBIN_[A-Z_]+\b/g));
    const told = readFileSync(join(root, 'docs/configuration.md'), 'utf8');
    expect([...read].filter((name) => !told.includes(name))).toEqual([]);
  });

  it('shows every way out that is tried, as it is tried', async () => {
    const page = readFileSync(join(root, 'docs/security.md'), 'utf8');
    const [, table] = /<!-- rows: .* -->\n([\s\S]*)<!-- \/rows -->/.exec(page) ?? [];
    expect(table).toBe(toMarkdownTable(await loadRows()));
  });
});
