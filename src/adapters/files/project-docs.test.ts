import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createProjectDocs } from './project-docs.ts';

let root: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'docs-')));
  mkdirSync(join(root, 'repository/packages/one'), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const put = (path: string, text: string): void => writeFileSync(join(root, path), text);
const readDocs = (path: string) => createProjectDocs().read(join(root, path));
const read = async (path: string): Promise<string> => (await readDocs(path)).text;

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
  const { text, warnings } = await readDocs('repository');
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(32 * 1024);
  expect(text).toMatch(/^é+\n\n\(.*repository\/AGENTS\.md is cut here: .* 32768 bytes in all\)$/);
  expect(warnings).toEqual([expect.stringContaining('repository/AGENTS.md was cut')]);
  expect(await createProjectDocs({ maxBytes: 5 }).read(join(root, 'repository'))).toEqual({
    text: '',
    warnings: [expect.stringContaining('was left out')],
  });
});

it('keeps the nearest files whole, cuts those above, and names what it left out', async () => {
  mkdirSync(join(root, 'repository/.git'));
  put('repository/AGENTS.md', 'a'.repeat(1_000));
  put('repository/packages/AGENTS.md', 'b'.repeat(1_000));
  put('repository/packages/one/AGENTS.md', 'c'.repeat(1_000));
  const { text, warnings } = await createProjectDocs({ maxBytes: 1_600 }).read(join(root, 'repository/packages/one'));
  expect(text).toMatch(/^b+\n\n\(.*cut here.*\)\n\n--- project-doc ---\n\nc{1000}$/);
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(1_600);
  expect(warnings).toEqual([
    expect.stringMatching(/packages\/AGENTS\.md was cut/),
    expect.stringMatching(/repository\/AGENTS\.md was left out/),
  ]);
});

it('sees a change', async () => {
  put('repository/AGENTS.md', 'first');
  expect(await read('repository')).toBe('first');
  put('repository/AGENTS.md', 'other');
  expect(await read('repository')).toBe('other');
  rmSync(join(root, 'repository/AGENTS.md'));
  expect(await read('repository')).toBe('');
});

it('follows a link to a Markdown file of the repository, and to nothing else', async () => {
  mkdirSync(join(root, 'repository/.git'));
  put('secret.md', 'secret');
  put('repository/.git/config.md', 'secret');
  put('repository/.env', 'secret');
  put('repository/GUIDE.md', 'guide');
  const link = join(root, 'repository/packages/AGENTS.md');
  const readThrough = async (target: string) => {
    rmSync(link, { force: true });
    symlinkSync(target, link);
    return await readDocs('repository/packages');
  };
  expect(await readThrough('../GUIDE.md')).toEqual({ text: 'guide', warnings: [] });
  for (const target of ['../../secret.md', join(root, 'secret.md'), '../.git/config.md', '../.env', '/etc/passwd']) {
    expect(await readThrough(target)).toEqual({ text: '', warnings: [expect.stringContaining('symbolic link')] });
  }
  symlinkSync(root, join(root, 'repository/out'));
  expect((await readThrough('../out/secret.md')).text).toBe('');
});

it('does not wait for a pipe, and says what it did not read', async () => {
  spawnSync('mkfifo', [join(root, 'repository/AGENTS.override.md')]);
  put('repository/AGENTS.md', 'usual');
  expect(await readDocs('repository')).toEqual({
    text: 'usual',
    warnings: [expect.stringMatching(/AGENTS\.override\.md was not read: .*not a regular file/)],
  });
});

it('finds sections whatever its lines end with', () => {
  const sections = createProjectDocs().sectionsOf('## Rules\r\n\r\n- one\r\n\r\n## Else\r\nno\r\n', 'Rules');
  expect(sections.trimEnd()).toBe('## Rules\n\n- one');
});

it('gives single sections, with what is fenced in them and without what is fenced elsewhere', () => {
  const docs = createProjectDocs();
  const fenced = '```\n## Rules\nnot this\n```';
  const text = `# R\n\nnone\n\n## rules ##\n\n- one\n### More\n${fenced}\n\n## Else\n\nno\n${fenced}\n\n## Rules\n- two\n# End\nno`;
  expect(docs.sectionsOf(text, 'Rules')).toBe(`## rules ##\n\n- one\n### More\n${fenced}\n\n## Rules\n- two`);
  expect(docs.sectionsOf('## Rules of another kind\nno', 'Rules')).toBe('');
});

it('reads nothing that commands cannot read, whether it is a document or what one leads to', async () => {
  const docs = createProjectDocs({ deniedPaths: [join(root, 'repository/private')] });
  for (const path of ['repository/.git', 'repository/private']) mkdirSync(join(root, path));
  put('repository/private/notes.md', 'SECRET');
  symlinkSync('private/notes.md', join(root, 'repository/AGENTS.md'));
  put('repository/packages/AGENTS.md', 'packages');
  const { text, warnings } = await docs.read(join(root, 'repository/packages'));
  expect(text).toBe('packages');
  expect(warnings).toEqual([expect.stringContaining('repository/AGENTS.md was not read: it is closed to commands')]);
  const below = createProjectDocs({
    deniedPaths: [join(root, 'repository/packages/AGENTS.md'), join(root, 'repository')],
  });
  expect((await below.read(join(root, 'repository/packages'))).text).toBe('');
});
