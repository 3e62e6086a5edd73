/** What npm needs to install from `package-lock.json`, on every platform and with every npm that is still in use. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');

interface Locked {
  version?: string;
  resolved?: string;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}

const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
  packages: Record<string, Locked>;
};

/** As Node looks a package up: in the folder of who asks for it, then in each one above. */
function isLocked(from: string, name: string): boolean {
  const above =
    from === ''
      ? []
      : from.split('/node_modules/').map((_, at, parts) => parts.slice(0, at + 1).join('/node_modules/'));
  return ['', ...above].some((folder) => join(folder, 'node_modules', name) in packages);
}

describe('the lockfile', () => {
  it('has every package that another one needs, those of other platforms too', () => {
    const missing = Object.entries(packages).flatMap(([from, { dependencies = {}, optionalDependencies = {} }]) =>
      Object.keys({ ...dependencies, ...optionalDependencies })
        .filter((name) => !isLocked(from, name))
        .map((name) => `${name} of ${from}`),
    );
    expect(missing).toEqual([]);
  });

  it('names no registry', () => {
    expect(Object.values(packages).filter(({ resolved }) => resolved !== undefined)).toEqual([]);
  });

  it('is in step with package.json, as npm on this machine sees it, which needs no network to say so', ({ skip }) => {
    const { stdout } = spawnSync('npm', ['--version'], { encoding: 'utf8' }) as { stdout: string | null };
    const [major = 0, minor = 0, patch = 0] = (stdout ?? '').trim().split('.').map(Number);
    // Earlier ones do not look at what is missing for other platforms.
    if (major * 1e6 + minor * 1e3 + patch < 11_006_002) skip(`npm ${stdout} is too old to tell`);
    const copy = mkdtempSync(join(tmpdir(), 'lockfile-'));
    try {
      for (const name of ['package.json', 'package-lock.json']) copyFileSync(join(root, name), join(copy, name));
      const flags = ['--dry-run', '--offline', '--ignore-scripts', '--cache', join(copy, 'cache')];
      const { status, stderr } = spawnSync('npm', ['ci', ...flags], { cwd: copy, encoding: 'utf8' });
      expect({ status, errors: stderr.match(/^npm error Missing.*/gm) }).toEqual({ status: 0, errors: null });
      expect(readFileSync(join(copy, 'package-lock.json'))).toEqual(readFileSync(join(root, 'package-lock.json')));
      expect(readdirSync(copy).filter((name) => name !== 'cache')).toEqual(['package-lock.json', 'package.json']);
    } finally {
      rmSync(copy, { recursive: true, force: true });
    }
  });
});
