import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { asStarted, folderBehindNpm } from './invocation.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');
const underNpm = { npm_lifecycle_event: 'bobbin', npm_package_json: join(root, 'package.json') };
const folder = mkdtempSync(join(tmpdir(), 'bobbin-invocation-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A `bobbin` on PATH, as `npm link` makes it. */
function linked(): { program: string; bin: string; link: string } {
  const [program, bin] = [join(folder, 'main.js'), join(folder, 'bin')];
  writeFileSync(program, '');
  chmodSync(program, 0o755);
  mkdirSync(bin);
  symlinkSync(program, join(bin, 'bobbin'));
  return { program, bin, link: join(bin, 'bobbin') };
}

describe('a command to paste', () => {
  const { program, bin, link } = linked();
  const words = 'thread list';
  const started = (env: Record<string, string>, argv: string[], cwd = '/nowhere') =>
    asStarted(words, { env, argv: ['node', ...argv], cwd });

  it('is written as the person started this one', () => {
    expect(started({ PATH: `/nowhere:${bin}` }, [link])).toBe('bobbin thread list');
    expect(started({ PATH: bin }, [program])).toBe('bobbin thread list');
    expect(started({ PATH: bin, npm_command: 'exec' }, [link])).toBe('npx bobbin thread list');
    expect(started({ PATH: '/nowhere' }, [program])).toBe(`node ${program} thread list`);
    expect(started({ PATH: '/nowhere' }, ['/work/my tools/bobbin.mjs'], '/work')).toBe(
      `node 'my tools/bobbin.mjs' thread list`,
    );
    expect(started({ ...underNpm, INIT_CWD: join(root, 'src') }, [program])).toBe(
      'npm run --silent bobbin -- thread list',
    );
    expect(started({ ...underNpm, npm_lifecycle_event: 'start', INIT_CWD: '/elsewhere' }, [program])).toBe(
      `npm --prefix ${root} run --silent bobbin -- thread list`,
    );
  });

  it('names the same data folder', () => {
    const env = { PATH: bin };
    expect(started(env, [link, 'dev', '--data-dir', '/my data'])).toBe(`bobbin thread list --data-dir '/my data'`);
    expect(started(env, [link, 'dev', '--data-dir=x'])).toBe('bobbin thread list --data-dir x');
  });
});

describe('the folder of the person', () => {
  it('is the one where npm was started, for the scripts of this package alone', () => {
    expect(folderBehindNpm({ ...underNpm, INIT_CWD: '/elsewhere' })).toBe('/elsewhere');
    expect(folderBehindNpm({ ...underNpm, npm_lifecycle_event: 'test', INIT_CWD: '/elsewhere' })).toBeUndefined();
    const other = { ...underNpm, npm_package_json: '/other/package.json', INIT_CWD: '/elsewhere' };
    expect(folderBehindNpm(other)).toBeUndefined();
    expect(folderBehindNpm({ INIT_CWD: '/elsewhere' })).toBeUndefined();
  });
});
