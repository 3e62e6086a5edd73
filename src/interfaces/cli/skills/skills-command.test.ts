import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createProgram } from '../commands.ts';

let root: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'bobbin-skills-')));
  add('workspace/.agents/skills/deploy', 'deploy', 'Deploys.\u202e');
  add('workspace/.agents/skills/taken', 'taken', 'Theirs.');
  add('data/skills/taken', 'taken', 'Mine.');
});
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = 0;
  rmSync(root, { recursive: true, force: true });
});

function add(folder: string, name: string, description: string): void {
  mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(
    join(root, folder, 'SKILL.md'),
    `---\nname: ${name}\ndescription: ${description}\n---\nSay \u001b[2Jhello.\n`,
  );
}

/** Runs the command in this process. */
async function skills(...words: string[]): Promise<{ code: unknown; text: string }> {
  let text = '';
  const take = (chunk: string | Uint8Array): boolean => {
    text += chunk.toString();
    return true;
  };
  vi.spyOn(process.stdout, 'write').mockImplementation(take);
  vi.spyOn(process.stderr, 'write').mockImplementation(take);
  const places = ['--cwd', join(root, 'workspace'), '--data-dir', join(root, 'data')];
  await createProgram().parseAsync(['node', 'bobbin', 'skills', ...words, ...places]);
  vi.restoreAllMocks();
  return { code: process.exitCode, text };
}

const json = async (...words: string[]) =>
  JSON.parse((await skills(...words, '--json')).text) as Record<string, unknown>;

it('skills are listed, shown, trusted by the hash that was shown, and untrusted', async () => {
  const { text } = await skills('list');
  expect(text.trimEnd().split('\n')).toEqual(
    [
      'taken   yours      usable                      Mine.',
      'deploy  workspace  not trusted                 Deploys.\\u{202e}',
      'taken   workspace  yours of that name is used  ',
    ].map((line) => line.trimEnd()),
  );

  const shown = await skills('show', 'deploy');
  expect(shown.text).toContain('│ Say \\x1b[2Jhello.\n');
  const [, sha256 = ''] = /--sha256 ([0-9a-f]{64})/.exec(shown.text) ?? [];
  expect(shown.text).toContain(` --cwd ${join(root, 'workspace')}`);
  expect((await skills('show', 'deploy', 'SKILL.md')).text).toContain('│ Say \\x1b[2Jhello.\n');
  expect(await skills('show', 'deploy', '../x')).toMatchObject({ code: 2 });
  expect(await json('show', 'deploy')).toMatchObject({ state: 'untrusted', sha256, files: ['SKILL.md'] });

  expect(await skills('trust', 'deploy')).toMatchObject({
    code: 2,
    text: expect.stringContaining('was not trusted') as string,
  });
  expect(await skills('trust', 'deploy', '--sha256', '0'.repeat(64))).toMatchObject({ code: 2 });
  expect(await skills('trust', 'deploy', '--sha256', sha256)).toMatchObject({ code: 0 });
  expect(await json('show', 'deploy')).toMatchObject({ state: 'usable' });

  writeFileSync(join(root, 'workspace/.agents/skills/deploy/new.md'), '');
  expect((await skills('list')).text).toContain('changed since it was trusted');
  expect(await skills('trust', 'deploy', '--sha256', sha256)).toMatchObject({ code: 2 });
  expect(await json('untrust', 'deploy')).toMatchObject({ was: true });
  expect(await json('untrust', 'deploy')).toMatchObject({ was: false });
});

it('a skill that is not there, or that yours replaces, is not trusted', async () => {
  expect(await skills('trust', 'none')).toMatchObject({
    code: 2,
    text: expect.stringContaining('no skill none') as string,
  });
  expect(await skills('trust', 'taken')).toMatchObject({ code: 2 });
  expect(await skills('show', '../../etc')).toMatchObject({ code: 2 });
  expect(await json('show', 'taken')).toMatchObject({ from: 'person', description: 'Mine.' });
});
