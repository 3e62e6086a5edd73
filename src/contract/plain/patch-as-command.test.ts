import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { patchProgram } from './patch-as-command.ts';

const PATCH = '*** Begin Patch\n*** Add File: a\n+1\n*** End Patch';

it.each([
  `apply_patch <<'EOF'\n${PATCH}\nEOF`,
  `apply_patch <<EOF\n${PATCH}\nEOF\n`,
  `applypatch <<"PATCH"\n${PATCH}\nPATCH`,
  `cd src && apply_patch <<'EOF'\n${PATCH}\nEOF`,
  `cd "a folder"; cd b && apply_patch <<'EOF'\n${PATCH}\nEOF`,
  `apply_patch "${PATCH}"`,
  `apply_patch '${PATCH}'`,
  'apply_patch',
  'apply_patch patch.txt',
  'apply_patch < patch.txt',
  `bash -c "apply_patch '${PATCH}'"`,
  `/bin/sh -c 'cd x && apply_patch <<EOF\n${PATCH}\nEOF'`,
  `LANG=C apply_patch <<'EOF'\n${PATCH}\nEOF`,
  `\n  ${PATCH}`,
])('a shell can do nothing with the patch in %j', (command) => {
  expect(patchProgram(command)).toMatch(/^apply_?patch$/);
  expect(spawnSync('bash', ['-c', command], { cwd: '/', encoding: 'utf8' }).status).not.toBe(0);
});

it('nor can a login shell, as Codex calls it', () => {
  expect(patchProgram(`bash -lc "cd src && apply_patch '${PATCH}'"`)).toBe('apply_patch');
});

it.each([
  'echo apply_patch',
  'git apply_patch',
  './apply_patch < patch.txt',
  'tools/apply_patch --check',
  'apply_patch.py <<EOF\nEOF',
  'apply_patches a b',
  'grep -rn apply_patch .',
  'cat <<EOF\napply_patch\nEOF',
  'cat > patch.txt <<EOF\n*** Begin Patch\nEOF',
  'cd apply_patch && ls',
  'which apply_patch || true',
  'bash -c "echo apply_patch"',
])('%j is a command like any other', (command) => {
  expect(patchProgram(command)).toBeNull();
});

// An expression that goes back and forth over them would not come to an end.
it.each([
  ['cd a && ', 20_000],
  ['cd "', 50_000],
  ['A=', 100_000],
  ["sh -c '", 30_000],
])('a command that repeats %j is one like any other', (word, times) => {
  expect(patchProgram(word.repeat(times))).toBeNull();
});
