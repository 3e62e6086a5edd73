import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { findTemporalBinary } from './obtain/binary.ts';
import type { TemporalBinary } from './obtain/binary.ts';
import { isAtLeast } from './obtain/binary-version.ts';
import { serviceCapabilities } from './run/capabilities.ts';
import { findPortHolder } from './run/port-holder.ts';
import { findFreePort } from './run/ports.ts';
import { processStart } from '../../folders/process-mark.ts';
import { downloadInto } from './obtain/sdk-download.ts';
import { startTemporalService } from './service.ts';
import type { StartOptions, TemporalService } from './types.ts';
import type { ServiceRecord } from './state/service-record.ts';

let binary: TemporalBinary;
let folder: string;
let running: TemporalService[];
let lines: string[];

beforeAll(async () => {
  binary = await findTemporalBinary({ allowDownload: true, onProgress: (line) => process.stderr.write(`${line}\n`) });
}, 1_200_000);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bobbin service-'));
  running = [];
  lines = [];
});

afterEach(async () => {
  await Promise.all(running.map((service) => endHard(service.pid)));
  await rm(folder, { recursive: true, force: true });
});

/** Without a UI and on free ports, so that tests disturb nobody. */
async function start(options: Partial<StartOptions> = {}): Promise<TemporalService> {
  const service = await startTemporalService({
    binary,
    dataDirectory: join(folder, 'data'),
    port: 0,
    uiPort: null,
    onProgress: (line) => lines.push(line),
    ...options,
  });
  running.push(service);
  return service;
}

async function endHard(pid: number): Promise<void> {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    return;
  }
  await waitUntilGone(pid);
}

async function waitUntilGone(pid: number): Promise<void> {
  while ((await processStart(pid)) !== undefined) await sleep(10);
}

async function withConnection<T>(address: string, use: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address, connectTimeout: 5_000 });
  try {
    return await connection.withDeadline(Date.now() + 10_000, () => use(connection));
  } finally {
    await connection.close();
  }
}

async function startWorkflow(address: string, workflowId: string): Promise<void> {
  await withConnection(address, (connection) =>
    connection.workflowService.startWorkflowExecution({
      namespace: 'default',
      workflowId,
      requestId: workflowId,
      workflowType: { name: 'thread' },
      taskQueue: { name: 'bobbin' },
    }),
  );
}

async function typeOfWorkflow(address: string, workflowId: string): Promise<string | null | undefined> {
  const answer = await withConnection(address, (connection) =>
    connection.workflowService.describeWorkflowExecution({ namespace: 'default', execution: { workflowId } }),
  );
  return answer.workflowExecutionInfo?.type?.name;
}

async function readNote(): Promise<ServiceRecord> {
  return JSON.parse(await readFile(join(folder, 'data', 'temporal.json'), 'utf8')) as ServiceRecord;
}

/** The same program, which begins only once `go` is there. */
async function delayed(): Promise<{ binary: TemporalBinary; go: () => Promise<void> }> {
  const path = join(folder, 'delayed');
  const flag = join(folder, 'go');
  await writeFile(path, `#!/bin/sh\nwhile [ ! -e '${flag}' ]; do sleep 0.02; done\nexec '${binary.path}' "$@"\n`, {
    mode: 0o755,
  });
  return { binary: { ...binary, path }, go: () => writeFile(flag, '') };
}

test('a port that another start takes meanwhile is left to that one', async () => {
  const { binary: late, go } = await delayed();
  const second = start({ binary: late });
  await expect.poll(readNote, { timeout: 20_000 }).toMatchObject({ port: expect.any(Number) as number });
  const { port } = await readNote();
  const first = await start({ port, dataDirectory: join(folder, 'first') });
  // The second start may find it answering from now on, and its own program continues only when that has been seen.
  await expect.poll(() => lines.join('\n'), { timeout: 20_000 }).toContain('A port was taken by another process');
  await go();
  expect((await second).address).not.toBe(first.address);
  expect(await findPortHolder(Number((await second).address.split(':')[1]))).toMatchObject({ pid: (await second).pid });
});

test('a required port is kept if another port of the server is taken meanwhile', async () => {
  const { binary: late, go } = await delayed();
  const port = await findFreePort('127.0.0.1');
  const starting = start({ binary: late, port });
  await expect.poll(readNote, { timeout: 20_000 }).toMatchObject({ port });
  const words = (await readFile(`/proc/${(await readNote()).pid}/cmdline`, 'utf8')).split('\0');
  const other = await listen(Number(words[words.indexOf('--http-port') + 1]));
  await go();
  expect((await starting).address).toBe(`127.0.0.1:${port}`);
  expect(lines.join('\n')).toContain('A port was taken by another process');
  other.close();
});

describe('a service and its data directory', () => {
  test('starts, is found by a second start, and is gone after the stop of the first', async () => {
    const first = await start();
    expect(first).toMatchObject({ reused: false, orphaned: false, namespace: 'default', uiUrl: null });
    const second = await start();
    expect(second).toMatchObject({ reused: true, orphaned: false, pid: first.pid, address: first.address });

    await second.stop();
    expect(await processStart(first.pid)).toBeDefined();
    await Promise.all([first.stop(), first.stop()]);
    expect(await processStart(first.pid)).toBeUndefined();
    expect(await readdir(join(folder, 'data'))).not.toContain('temporal.json');
    await second.exited;
  });

  test('is not handed the keys and Temporal settings of this process', async () => {
    const env = { ...process.env, OPENAI_API_KEY: 'sk-secret', TEMPORAL_ADDRESS: 'elsewhere:7233' };
    const service = await start({ ephemeral: true, env });
    const handed = await readFile(`/proc/${service.pid}/environ`, 'utf8');
    expect(handed).toContain('PATH=');
    expect(handed).not.toMatch(/sk-secret|elsewhere/);
  });

  test('runs in a separate process group, so that Ctrl-C in a terminal does not reach it', async () => {
    const service = await start({ ephemeral: true });
    const stat = await readFile(`/proc/${service.pid}/stat`, 'utf8');
    const processGroup = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2];
    expect(processGroup).toBe(String(service.pid));
  });

  test('two starts at the same moment end with one service', async () => {
    const [first, second] = await Promise.all([start(), start()]);
    expect(first.pid).toBe(second.pid);
    expect([first.reused, second.reused].sort()).toEqual([false, true]);
  });

  test('keeps what it acknowledged when it is killed, and a next start serves it again', async () => {
    const first = await start();
    await startWorkflow(first.address, 'thread/kept');
    process.kill(first.pid, 'SIGKILL');
    expect(await first.exited).toEqual({ exitCode: null, signal: 'SIGKILL' });

    const second = await start();
    expect(second).toMatchObject({ reused: false });
    expect(await typeOfWorkflow(second.address, 'thread/kept')).toBe('thread');
  });

  test('outlives a killed parent, is found again, and may then be stopped', async () => {
    const { parent, pid } = await startFromAnotherProcess();
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    expect(await processStart(pid)).toBeDefined();

    const found = await start({ stopReused: 'orphaned' });
    expect(found).toMatchObject({ reused: true, orphaned: true, pid });
    await found.stop();
    expect(await processStart(pid)).toBeUndefined();
  });

  test('outlives a killed parent with its UI, which is guarded again at the same place', async () => {
    const { parent } = await startFromAnotherProcess({ uiPort: 0 });
    const { uiUrl } = (await readNote()) as { uiUrl: string };
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    await expect(fetch(uiUrl)).rejects.toThrow();

    const found = await start({ uiPort: 0, stopReused: 'orphaned' });
    expect(found).toMatchObject({ reused: true, uiUrl });
    expect((await fetch(uiUrl)).status).toBe(200);
    expect((await fetch(uiUrl, { headers: { origin: 'https://attacker.invalid' } })).status).toBe(403);
    await found.stop();
    await expect(fetch(uiUrl)).rejects.toThrow();
  });

  test('that an earlier release started without a guard, and nobody owns, is started anew', async () => {
    const { parent, pid } = await startFromAnotherProcess();
    const { uiUpstream: _, ...note } = await readNote();
    await writeFile(join(folder, 'data', 'temporal.json'), JSON.stringify(note));
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    expect(await start({ stopReused: 'orphaned' })).toMatchObject({ reused: false });
    expect(await processStart(pid)).toBeUndefined();
  });

  test('that was killed leaves the place of its UI to the next one', async () => {
    const first = await start({ uiPort: 0 });
    process.kill(first.pid, 'SIGKILL');
    await first.exited;
    const second = await start({ uiPort: Number(new URL(first.uiUrl!).port) });
    expect(second.uiUrl).toBe(first.uiUrl);
    expect((await fetch(second.uiUrl!)).status).toBe(200);
  });

  test('a note of a process that has ended, or whose number another process has now, is not believed', async () => {
    const first = await start();
    const note = await readNote();
    await first.stop();
    await writeFile(join(folder, 'data', 'temporal.json'), JSON.stringify({ ...note, pid: process.pid }));
    await writeFile(join(folder, 'data', 'temporal.lock'), JSON.stringify({ pid: process.pid, startedAt: 'long ago' }));
    const second = await start();
    expect(second.reused).toBe(false);
  });

  test('a namespace that a running service lacks is there when the start returns', async () => {
    await start();
    const second = await start({ namespace: 'another' });
    const described = await withConnection(second.address, (connection) =>
      connection.workflowService.describeNamespace({ namespace: 'another' }),
    );
    expect(described.namespaceInfo?.name).toBe('another');
  });

  test('offers pushed cancellations where the server knows them', async () => {
    const service = await start({ ephemeral: true });
    const capabilities = await withConnection(service.address, (connection) =>
      serviceCapabilities(connection, 'default'),
    );
    expect(capabilities).toEqual({
      workerCommands: isAtLeast(binary.serverVersion, 1, 32),
      serverVersion: binary.serverVersion,
    });
  });
});

/** A separate process that starts a service on the data of this test and then waits. */
async function startFromAnotherProcess(
  more: Partial<StartOptions> = {},
): Promise<{ parent: ChildProcess; pid: number }> {
  const script = `
    const { startTemporalService } = await import(${JSON.stringify(new URL('./service.ts', import.meta.url).href)});
    const options = JSON.parse(process.argv[1]);
    console.log((await startTemporalService(options)).pid);
    setInterval(() => {}, 1000);`;
  const options: StartOptions = { binary, dataDirectory: join(folder, 'data'), port: 0, uiPort: null, ...more };
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface({ input: parent.stdout }), 'line')) as [string];
  return { parent, pid: Number(line) };
}

async function listen(port: number): Promise<Server> {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

describe('ports', () => {
  test('where one of the preferred pair is taken, the next free pair is used, and that is said', async () => {
    const taken = await listen(0);
    const port = (taken.address() as AddressInfo).port;
    const uiPort = await findFreePort('127.0.0.1');
    try {
      const service = await startTemporalService({
        binary,
        dataDirectory: join(folder, 'data'),
        preferredPorts: { port, uiPort },
        onProgress: (line) => lines.push(line),
      });
      running.push(service);
      const found = Number(service.address.split(':')[1]);
      expect(found).toBeGreaterThan(port);
      expect(service.uiUrl).toBe(`http://127.0.0.1:${uiPort + found - port}`);
      expect((await fetch(service.uiUrl!)).status).toBe(200);
      expect(lines).toContain(`Port ${port} or its UI port is in use: the Temporal service takes port ${found}`);
    } finally {
      taken.close();
    }
  });

  test('a port that the caller insists on and that is taken is an error which names it and its holder', async () => {
    const taken = await listen(0);
    const port = (taken.address() as AddressInfo).port;
    try {
      await expect(start({ port })).rejects.toMatchObject({
        code: 'portTaken',
        message: expect.stringMatching(
          new RegExp(`Port ${port} on 127\\.0\\.0\\.1.*\\(pid ${process.pid}\\)`),
        ) as string,
      });
    } finally {
      taken.close();
    }
  });
});

describe('a start that cannot work', () => {
  test('in a directory that cannot be made names the directory', async () => {
    await writeFile(join(folder, 'file'), '');
    const dataDirectory = join(folder, 'file', 'data');
    await expect(start({ dataDirectory })).rejects.toMatchObject({
      code: 'directoryUnwritable',
      message: expect.stringContaining(dataDirectory) as string,
    });
  });

  test('on a file that is no database says so with its path, whatever log lies beside it', async () => {
    const first = await start();
    await first.stop();
    await writeFile(join(folder, 'data', 'temporal.db'), 'no database '.repeat(1000));
    await expect(start()).rejects.toMatchObject({
      code: 'databaseCorrupted',
      message: expect.stringContaining(`${join(folder, 'data', 'temporal.db')} is not a database`) as string,
    });
    expect(await readFile(join(folder, 'data', 'temporal.db'), 'utf8')).toBe('no database '.repeat(1000));
  });

  test('on a database that another program holds says so', async () => {
    const first = await start();
    await first.stop();
    const holder = await holdDatabase(join(folder, 'data', 'temporal.db'));
    try {
      await expect(start()).rejects.toMatchObject({ code: 'databaseLocked' });
    } finally {
      holder.kill('SIGKILL');
      await once(holder, 'exit');
    }
  });

  test('with a program that is no server says how it ended and what it wrote', async () => {
    const starting = start({ binary: { ...binary, path: '/bin/false' } });
    await expect(starting).rejects.toThrow(
      /did not start \(127.*\/bin\/false.*\): it ended with code 1[^]*wrote nothing/,
    );
    const missing = start({ binary: { ...binary, path: join(folder, 'missing') } });
    await expect(missing).rejects.toMatchObject({
      code: 'startFailed',
      message: expect.stringContaining('ENOENT') as string,
    });
  });

  test('leaves no half-made database behind, and an existing one as it was', async () => {
    const path = join(folder, 'no-server');
    await writeFile(path, '#!/bin/sh\necho partial >> temporal.db\necho "database or disk is full (13)"\nexit 1\n', {
      mode: 0o755,
    });
    const broken = { ...binary, path };
    await expect(start({ binary: broken })).rejects.toMatchObject({ code: 'diskFull' });
    expect(await readdir(join(folder, 'data'))).toEqual(['temporal.log']);

    await writeFile(join(folder, 'data', 'temporal.db'), 'SQLite format 3\0kept\n');
    await expect(start({ binary: broken })).rejects.toMatchObject({ code: 'diskFull' });
    expect(await readFile(join(folder, 'data', 'temporal.db'), 'utf8')).toBe('SQLite format 3\0kept\npartial\n');
  });

  test('when it is called off, the reason comes back and nothing is left running', async () => {
    const controller = new AbortController();
    const starting = start({ signal: controller.signal });
    void starting.catch(() => undefined);
    let note: ServiceRecord | undefined;
    while (note === undefined) note = await readNote().catch(() => undefined);
    controller.abort(new Error('never mind'));
    await expect(starting).rejects.toThrow('never mind');
    expect(await processStart(note.pid)).toBeUndefined();
    expect(await readdir(join(folder, 'data'))).not.toContain('temporal.json');
  });

  test('beside one that lives and does not answer is refused, with its pid', async () => {
    const first = await start();
    process.kill(first.pid, 'SIGSTOP');
    await expect(start({ answerTimeoutMs: 500 })).rejects.toMatchObject({
      code: 'serviceUnresponsive',
      message: expect.stringContaining(`kill ${first.pid}`) as string,
    });
  });
});

async function holdDatabase(path: string): Promise<ChildProcess> {
  const script = `
    const { DatabaseSync } = require('node:sqlite');
    const database = new DatabaseSync(process.argv[1]);
    database.exec('BEGIN EXCLUSIVE');
    console.log('held');
    setInterval(() => {}, 1000);`;
  const holder = spawn(process.execPath, ['--no-warnings', '-e', script, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(holder.stdout, 'data');
  return holder;
}

test('the SDK starts what it downloaded, and the file is moved to its place in the cache', async () => {
  const { version } = createRequire(import.meta.url)('@temporalio/worker/package.json') as { version: string };
  // A file of the name that the SDK gives its download is one that it does not download again.
  await copyFile(binary.path, join(folder, `temporal-sdk-typescript-${version}`));
  const target = join(folder, 'cache', 'temporal-sdk', 'temporal');
  const outcome = await downloadInto(folder, { cacheDirectory: join(folder, 'cache'), target, env: process.env });
  expect(outcome).toBe('downloaded');
  const moved = await findTemporalBinary({ allowDownload: false, env: { BOBBIN_TEMPORAL: target } });
  expect(moved.serverVersion).toBe(binary.serverVersion);
});
