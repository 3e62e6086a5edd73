import { chmod, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findTemporalBinary, locateTemporalBinary } from './binary.ts';
import { isAtLeast } from './binary-version.ts';

let folder: string;
let bin: string;
let cacheDirectory: string;
let env: Record<string, string>;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bobbin-binary-'));
  bin = join(folder, 'bin');
  cacheDirectory = join(folder, 'cache');
  await mkdir(bin);
  // Nothing listens on port 1, so the SDK's download is refused at once.
  env = { PATH: bin, HTTPS_PROXY: 'http://127.0.0.1:1', HOME: folder };
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function writeProgram(path: string, script: string): Promise<string> {
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  return path;
}

function saysVersion(cli: string): string {
  return `echo "temporal version ${cli} (Server 1.30.2, UI 2.42.1)"`;
}

/** A Go toolchain that writes a small program where `go install` would put the built one. */
const GO_THAT_BUILDS = `
[ "$1 $2" = "install -v" ] || exit 9
echo "go: downloading somewhere v1.0.0" >&2
echo "a/package" >&2
printf '#!/bin/sh\\necho "temporal version 0.0.0-DEV (Server 1.29.1, UI 2.42.1)"\\n' > "$GOBIN/temporal"`;

describe('the order in which a Temporal binary is looked for', () => {
  test('an explicit path comes before everything else', async () => {
    const path = await writeProgram(join(folder, 'mine'), saysVersion('9.9.9'));
    await writeProgram(join(bin, 'temporal'), saysVersion('1.0.0'));
    const found = await findTemporalBinary({
      allowDownload: false,
      cacheDirectory,
      env: { ...env, BOBBIN_TEMPORAL: path },
    });
    expect(found).toEqual({ path, source: 'BOBBIN_TEMPORAL', cliVersion: '9.9.9', serverVersion: '1.30.2' });
  });

  test('an explicit path that does not work is refused and not passed over', async () => {
    await writeProgram(join(bin, 'temporal'), saysVersion('1.0.0'));
    const missing = join(folder, 'missing');
    const finding = findTemporalBinary({
      allowDownload: true,
      cacheDirectory,
      env: { ...env, BOBBIN_TEMPORAL: missing },
    });
    await expect(finding).rejects.toMatchObject({
      code: 'binaryNotFound',
      message: expect.stringContaining(missing) as string,
    });
  });

  test('the one on PATH comes before the cached one', async () => {
    const path = await writeProgram(join(bin, 'temporal'), saysVersion('1.0.0'));
    await writeProgram(join(cacheDirectory, 'temporal-v1.5.1/temporal'), saysVersion('2.0.0'));
    const found = await findTemporalBinary({ allowDownload: true, cacheDirectory, env });
    expect(found).toMatchObject({ path, source: 'PATH', cliVersion: '1.0.0' });
  });

  test('one on PATH that does not run is passed over for a cached one, and what the SDK downloaded comes first', async () => {
    await writeProgram(join(bin, 'temporal'), 'exit 3');
    const built = await writeProgram(join(cacheDirectory, 'temporal-v1.5.1/temporal'), saysVersion('1.5.1'));
    expect(await findTemporalBinary({ allowDownload: true, cacheDirectory, env })).toMatchObject({
      path: built,
      source: 'cache',
    });
    const downloaded = await writeProgram(join(cacheDirectory, 'temporal-sdk/temporal'), saysVersion('1.9.1'));
    expect(await findTemporalBinary({ allowDownload: true, cacheDirectory, env })).toMatchObject({
      path: downloaded,
      source: 'cache',
    });
  });

  test('where the download is refused, a Go toolchain builds it into the cache, and the next search finds it there', async () => {
    await writeProgram(join(bin, 'go'), GO_THAT_BUILDS);
    const target = join(cacheDirectory, 'temporal-v1.5.1', 'temporal');
    const built = await findTemporalBinary({ allowDownload: true, cacheDirectory, env });
    expect(built).toEqual({
      path: target,
      source: 'go-install',
      cliVersion: '0.0.0-DEV',
      serverVersion: '1.29.1',
    });
    await rm(join(bin, 'go'));
    expect(await findTemporalBinary({ allowDownload: true, cacheDirectory, env })).toEqual({
      ...built,
      source: 'cache',
    });
    expect(await readdir(cacheDirectory)).toEqual(['temporal-v1.5.1']);
  });

  test('two searches that build at once both end with a whole program', async () => {
    await writeProgram(join(bin, 'go'), GO_THAT_BUILDS);
    const search = () => findTemporalBinary({ allowDownload: true, cacheDirectory, env });
    const [first, second] = await Promise.all([search(), search()]);
    expect(first.path).toBe(second.path);
    expect([first.cliVersion, second.cliVersion]).toEqual(['0.0.0-DEV', '0.0.0-DEV']);
    expect(await readdir(cacheDirectory)).toEqual(['temporal-v1.5.1']);
  });
});

describe('where nothing works', () => {
  test('the error names all four ways and what each of them said', async () => {
    await writeProgram(join(bin, 'temporal'), 'echo "some other program"; exit 2');
    await writeProgram(join(bin, 'go'), 'echo "go: module lookup disabled" >&2; exit 1');
    const error = await findTemporalBinary({ allowDownload: true, cacheDirectory, env }).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code: 'binaryNotFound' });
    const message = (error as Error).message;
    expect(message).toMatch(
      /1\. `temporal` on PATH: .*\/bin\/temporal --version ended with code 2 and said: some other/,
    );
    expect(message).toMatch(/2\. copy kept in .*\/cache: none/);
    expect(message).toMatch(/3\. download by the Temporal SDK: .*temporal\.download/);
    expect(message).toMatch(/4\. `go install .*@v1\.5\.1`: failed: go: module lookup disabled/);
    expect(message).toMatch(/https:\/\/docs\.temporal\.io\/cli/);
    expect(await readdir(cacheDirectory)).toEqual([]);
  });

  test('without leave to download, nothing is tried and nothing is written', async () => {
    await writeProgram(join(bin, 'go'), 'touch "$HOME/go-ran"; exit 1');
    const finding = findTemporalBinary({ allowDownload: false, cacheDirectory, env });
    await expect(finding).rejects.toThrow(/3\. .*: not tried.*\n.*4\. .*: not tried/);
    expect(await locateTemporalBinary({ allowDownload: false, cacheDirectory, env })).toEqual({
      attempts: [
        { way: '`temporal` on PATH', problem: 'none' },
        { way: `copy kept in ${cacheDirectory}`, problem: 'none' },
      ],
    });
    expect((await readdir(folder)).sort()).toEqual(['bin']);
  });

  test('a network that swallows everything is given up after the set time, with progress meanwhile', async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const lines: string[] = [];
    try {
      const finding = findTemporalBinary({
        allowDownload: true,
        cacheDirectory,
        env: { ...env, HTTPS_PROXY: `http://127.0.0.1:${(silent.address() as AddressInfo).port}` },
        stalledAfterMs: 2_500,
        onProgress: (line) => lines.push(line),
      });
      await expect(finding).rejects.toThrow(/3\. .*: no answer and no bytes within 2\.5 s\n.*4\. .*: no `go` on PATH/);
      expect(lines).toEqual([expect.stringMatching(/^Downloading .*: waiting for an answer \(\d s\)$/)]);
    } finally {
      silent.close();
    }
  });

  test('a search that is called off rejects with the reason and ends the program it ran', async () => {
    const started = join(folder, 'go-pid');
    await writeProgram(
      join(bin, 'go'),
      `trap '' TERM; echo $$ > ${started}.new; mv ${started}.new ${started}; while :; do :; done`,
    );
    const controller = new AbortController();
    const finding = findTemporalBinary({
      allowDownload: true,
      cacheDirectory,
      env: { ...env, PATH: `${bin}:/usr/bin:/bin`, BOBBIN_TEMPORAL: '' },
      signal: controller.signal,
    });
    void finding.catch(() => undefined);
    const pid = await waitForPid(started);
    controller.abort(new Error('enough'));
    await expect(finding).rejects.toThrow('enough');
    expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
  });
});

/** The pid that a program wrote down, once it has. */
async function waitForPid(path: string): Promise<number> {
  for (;;) {
    const text = await readFile(path, 'utf8').catch(() => undefined);
    if (text !== undefined) return Number(text);
    await sleep(20);
  }
}

test('versions are compared by number and a text that is none is older than all', () => {
  const versions = ['1.32.0', '1.32.2', '2.0.0', '1.9.9', '1.31.5', 'v1.32.0-rc.1', 'unknown'];
  expect(versions.filter((version) => isAtLeast(version, 1, 32))).toEqual([
    '1.32.0',
    '1.32.2',
    '2.0.0',
    'v1.32.0-rc.1',
  ]);
});
