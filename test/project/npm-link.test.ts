/** The command on PATH, after `npm link` in a checkout that is built. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');

it.runIf(existsSync(join(root, 'dist/bin/bobbin.js')))(
  '`npm link` puts `bobbin` on PATH, and what it prints names it so (skipped before `npm run build`)',
  async () => {
    const prefix = mkdtempSync(join(tmpdir(), 'bobbin-link-'));
    try {
      const env = {
        ...process.env,
        npm_config_prefix: prefix,
        PATH: `${join(prefix, 'bin')}${delimiter}${process.env['PATH'] ?? ''}`,
      };
      await run('npm', ['link', '--ignore-scripts', '--offline', '--no-audit', '--no-fund'], { cwd: root, env });
      const other = { cwd: prefix, env };
      expect((await run('bobbin', ['--version'], other)).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
      const { stderr } = (await run('bobbin', ['thread', 'list', '--no-such'], other).catch(
        (error: unknown) => error,
      )) as {
        stderr: string;
      };
      expect(stderr).toMatch(/\nhelp: {2}bobbin thread list --help\n$/);
    } finally {
      rmSync(prefix, { recursive: true, force: true });
    }
  },
);
