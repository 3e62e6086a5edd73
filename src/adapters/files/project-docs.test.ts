import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createProjectDocs } from './project-docs.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'docs-'));
  mkdirSync(join(root, 'repository/packages/one'), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const put = (path: string, text: string): void => writeFileSync(join(root, path), text);
const read = (path: string): Promise<string> => createProjectDocs().read(join(root, path));

it('joins what the folders have, from the root of the repository down to the working directory', async () => {
  mkdirSync(join(root, 'repository/.git'));
  put('AGENTS.md', 'above the repository');
  put('repository/AGENTS.md', 'root\n');
  put('repository/packages/one/AGENTS.md', 'one\n');
  expect(await read('repository/packages/one')).toBe('root\n\n--- project-doc ---\n\none');
  expect(await read('repository/packages')).toBe('root');
});

it('reads the working directory alone where there is no repository', async () => {
  put('repository/AGENTS.md', 'above');
  put('repository/packages/AGENTS.md', 'here');
  expect(await read('repository/packages')).toBe('here');
  expect(await read('repository/packages/one')).toBe('');
  expect(await read('nowhere')).toBe('');
});

it('prefers the override of a folder, and skips what cannot be read', async () => {
  put('repository/.git', 'gitdir: elsewhere');
  put('repository/AGENTS.md', 'usual');
  put('repository/AGENTS.override.md', 'override');
  mkdirSync(join(root, 'repository/packages/AGENTS.override.md'));
  put('repository/packages/AGENTS.md', 'packages');
  expect(await read('repository/packages')).toBe('override\n\n--- project-doc ---\n\npackages');
});

it('cuts what is too long at a character and says so', async () => {
  put('repository/AGENTS.md', 'é'.repeat(40_000));
  const text = await read('repository');
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(32 * 1024);
  expect(text).toMatch(/^é+\n\n\(cut here: .* 32768 bytes\)$/);
  expect(await createProjectDocs({ maxBytes: 5 }).read(join(root, 'repository'))).toBe('');
});

it('sees a change, and does not read again what has not changed', async () => {
  const path = join(root, 'repository/AGENTS.md');
  const docs = createProjectDocs();
  writeFileSync(path, 'first');
  utimesSync(path, 1_000, 1_000);
  expect(await docs.read(join(root, 'repository'))).toBe('first');
  writeFileSync(path, 'other');
  utimesSync(path, 1_000, 1_000);
  expect(await docs.read(join(root, 'repository'))).toBe('first');
  utimesSync(path, 1_001, 1_001);
  expect(await docs.read(join(root, 'repository'))).toBe('other');
  rmSync(path);
  expect(await docs.read(join(root, 'repository'))).toBe('');
});

it('gives single sections, of each document, with what is fenced in them and without what is fenced elsewhere', async () => {
  mkdirSync(join(root, 'repository/.git'));
  const fenced = '```\n## Rules\nnot this\n```';
  put(
    'repository/AGENTS.md',
    `# R\n\nnone\n\n## rules ##\n\n- one\n### More\n${fenced}\n\n## Else\n\nno\n${fenced}\n\n## Rules\n- two\n# End\nno`,
  );
  put('repository/packages/AGENTS.md', '## Rules of another kind\nno');
  put('repository/packages/one/AGENTS.md', `${'x'.repeat(100_000)}\n## Rules\n- three`);
  const sections = (path: string) => createProjectDocs().readSections(join(root, path), 'Rules');
  expect(await sections('repository/packages')).toBe(`## rules ##\n\n- one\n### More\n${fenced}\n\n## Rules\n- two`);
  expect(await sections('repository/packages/one')).toMatch(/- two\n\n--- project-doc ---\n\n## Rules\n- three$/);
});
