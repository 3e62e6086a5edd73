import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { TOOLS } from '../tools.ts';
import { withToolHint } from './tool-as-command.ts';

const NAMES = TOOLS.map(({ name }) => name);

function run(shell: string, command: string): string {
  const { stdout, stderr, status } = spawnSync(shell, ['-c', command], { encoding: 'utf8' });
  const rest = { outcome: 'exited' as const, outputBytes: 0, truncated: false, durationMs: 1, gone: true };
  return withToolHint({ ...rest, exitCode: status, output: stdout + stderr }, NAMES).output;
}

const PATCH = '*** Begin Patch\n*** Add File: a\n+1\n*** End Patch';

it.each([
  ['bash', `apply_patch <<'EOF'\n${PATCH}\nEOF`],
  ['sh', `apply_patch <<'EOF'\n${PATCH}\nEOF`],
  ['bash', `cd / && echo first; applypatch "${PATCH}"`],
  ['bash', `bash -c "apply_patch '${PATCH}'" || true`],
])('a patch that is given to %s as a command is answered with the tool to call: %s', (shell, command) => {
  expect(run(shell, command)).toMatch(
    /no patch was applied\. Call the tool apply_patch instead, .* as its `input`\.\n$/,
  );
});

it('so are other tools', () => {
  expect(run('bash', 'update_plan --help')).toMatch(
    /\nupdate_plan is a tool, not a command\. Call the tool update_plan\.\n$/,
  );
});

it('output that speaks of a tool in another way is left as it is', () => {
  expect(run('bash', 'echo apply_patch is here')).toBe('apply_patch is here\n');
  expect(run('bash', 'nothing_like_it 2>/dev/null')).toBe('');
});
