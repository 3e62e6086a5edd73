/** A supervisor process: runs commands until neither a worker nor a command is left. Standard input configures it. */
import { chmodSync, mkdirSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { randomUUID } from 'node:crypto';
import { createCommandRunner } from '../command-runner.ts';
import { isServed, listSockets } from './client.ts';
import { createReports } from './reports.ts';
import { createSupervisor } from './supervisor.ts';
import { removeLeftProofs } from './proofs.ts';
import { type SupervisorConfig, supervisorsFolder } from './wire.ts';

/** The worker that started it connects at once, unless it was killed. */
const FIRST_CLIENT_MS = 30_000;

const { name, options } = JSON.parse(await text(process.stdin)) as SupervisorConfig;
const folder = supervisorsFolder(options.stateDirectory, options.hostId);
const socket = `${name}-${randomUUID().slice(0, 8)}.sock`;
const link = join(folder, `${name}.sock`);

const reports = createReports(options.stateDirectory);
const supervisor = createSupervisor({
  folder,
  runner: createCommandRunner({ ...options, log: (line) => supervisor.log(line) }),
  reports,
  unattendedS: options.limits?.unattendedS ?? 0,
  onIdle: leave,
});
const server = createServer((client) => supervisor.accept(client));

mkdirSync(folder, { recursive: true, mode: 0o700 });
// The path may be too long. By this name and the folder that this process stays in, sandboxes find what to cover up.
process.chdir(folder);
await new Promise<void>((resolve) => server.listen(socket, resolve));
chmodSync(join(folder, socket), 0o600);
process.on('exit', () => rmSync(join(folder, socket), { force: true }));
process.on('SIGTERM', () => void supervisor.end().then(leave));
if (!(await publish())) leave();
void removeLeft();
void reports.keepPruned();
setTimeout(() => {
  if (supervisor.isIdle()) leave();
}, FIRST_CLIENT_MS);
process.stdout.write('ready\n');

/** False if another supervisor of that name serves: of two that start at the same time, one stays. */
async function publish(): Promise<boolean> {
  for (;;) {
    try {
      symlinkSync(socket, link);
      return true;
    } catch {
      if (await isServed(folder, `${name}.sock`)) return false;
      // It was killed.
      rmSync(link, { force: true });
    }
  }
}

/** Of supervisors that were killed. */
async function removeLeft(): Promise<void> {
  removeLeftProofs(folder);
  for (const other of listSockets(folder).filter((one) => one !== socket))
    if (!(await isServed(folder, other))) rmSync(join(folder, other), { force: true });
}

function leave(): never {
  if (readLink() === socket) rmSync(link, { force: true });
  process.exit(0);
}

function readLink(): string | undefined {
  try {
    return readlinkSync(link);
  } catch {
    return undefined;
  }
}
