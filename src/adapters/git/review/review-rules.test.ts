import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readReviewRules } from '../../../../activities/review/review-rules.ts';
import { createProjectDocs } from '../../files/project-docs.ts';
import { createGit } from '../git.ts';

const { signal } = new AbortController();
const ports = { git: createGit({ directory: '/nonexistent' }), projectDocs: createProjectDocs() };
const HEADING = '## Code Review Rules';
let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'bobbin-rules-'));
  mkdirSync(join(root, 'deep/er'), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function commit(): void {
  for (const args of [
    ['init', '-q'],
    ['add', '-A'],
    ['commit', '-q', '-m', 'One'],
  ])
    execFileSync('git', ['-c', 'user.name=T', '-c', 'user.email=t@example.invalid', ...args], { cwd: root });
}
const rulesIn = (folder: string) => readReviewRules(ports, { cwd: join(root, folder), commit: 'HEAD' }, signal);

it('are read from the root down to the folder, whatever their lines end with, and through links in the commit', async () => {
  writeFileSync(join(root, 'AGENTS.md'), `\ufeff${HEADING}\r\n\r\n- one\r\n\r\n## Else\r\n`);
  writeFileSync(join(root, 'CLAUDE.md'), `# Project\n\n${HEADING}\n\n- two\n`);
  symlinkSync('../CLAUDE.md', join(root, 'deep/AGENTS.md'));
  symlinkSync('../../missing.md', join(root, 'deep/er/AGENTS.override.md'));
  writeFileSync(join(root, 'deep/er/AGENTS.md'), `${HEADING}\n- three\n`);
  commit();
  expect(await rulesIn('.')).toBe(`${HEADING}\n\n- one`);
  expect(await rulesIn('deep/er')).toBe(
    [`${HEADING}\n\n- one`, `${HEADING}\n\n- two`, `${HEADING}\n- three`].join('\n\n'),
  );
});

it('are none without a repository, and lead to nothing outside of the commit', async () => {
  writeFileSync(join(root, 'secret.md'), `${HEADING}\n- secret\n`);
  expect(await rulesIn('.')).toBe('');
  symlinkSync(join(root, 'secret.md'), join(root, 'AGENTS.md'));
  commit();
  expect(await rulesIn('.')).toBe('');
});
