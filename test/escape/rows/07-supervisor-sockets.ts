import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { SandboxPolicy } from '../../../activities/ports.ts';
import {
  createSupervisedCommands,
  endSupervisors,
} from '../../../src/adapters/shell/supervisor/supervised-commands.ts';
import { supervisorsFolder } from '../../../src/adapters/shell/supervisor/wire.ts';
import { type EscapePlace, type EscapeRow, heldUnless, type Outcome } from '../row.ts';
import { createAttacker } from '../sandboxed.ts';

/** With a supervisor that serves this data folder; `ask` is given the names of its sockets. */
async function withSupervisor(
  { signal }: EscapePlace,
  data: string,
  workspace: string,
  attack: (sockets: string[]) => Promise<Outcome>,
): Promise<Outcome> {
  for (const folder of [data, workspace]) mkdirSync(folder, { recursive: true, mode: 0o700 });
  const worker = createSupervisedCommands({ stateDirectory: data, hiddenFolders: [data] });
  const sandbox: SandboxPolicy = { mode: 'danger-full-access', writableRoots: [], networkAccess: false };
  const ids = { commandId: randomUUID(), threadId: 'victim', command: 'true', cwd: workspace, workspace };
  const io = { signal, onOutput: () => undefined };
  try {
    // The worker stays connected, and so the supervisor stays.
    await worker.run({ ...ids, sandbox, timeoutMs: 20_000, maxOutputBytes: 1_000 }, io);
    return await attack(readdirSync(supervisorsFolder(data)).filter((name) => name.endsWith('.sock')));
  } finally {
    await worker.close();
    await endSupervisors(data);
  }
}

/**
 * Asks each socket to run a command without a sandbox, and proves what it can. From its folder, since a path may be too
 * long. Waits for the folder, which may come later.
 */
function asking(folder: string, cwd: string, marker: string): string {
  const sandbox: SandboxPolicy = { mode: 'danger-full-access', writableRoots: [], networkAccess: true };
  const ids = { commandId: randomUUID(), threadId: 'attacker', command: `touch '${marker}'`, cwd, workspace: cwd };
  const request = { type: 'run', key: 'x', spec: { ...ids, sandbox, timeoutMs: 10_000, maxOutputBytes: 1_000 } };
  const script = `const fs = require('fs');
    process.chdir(${JSON.stringify(folder)});
    for (const name of fs.readdirSync('.').filter((one) => one.endsWith('.sock')))
      require('net').connect(name).on('connect', function () { console.log('IN ' + name); this.write(${JSON.stringify(`${JSON.stringify(request)}\n`)}) })
        .on('data', function (text) {
          console.log(String(text));
          try { fs.writeFileSync(JSON.parse(text).file, ''); } catch (error) { console.log(error.code); }
          this.write('{"type":"proved"}\\n');
        }).on('error', (error) => console.log(error.code));`;
  const wait = `until ls ${folder}/*-*.sock >/dev/null 2>&1 || [ $((n += 1)) -gt 150 ]; do sleep 0.1; done`;
  return `echo begun; ${wait}; cd /; timeout 15 '${process.execPath}' -e '${script.replaceAll("'", `'\\''`)}'; echo tried`;
}

async function tryIt(
  place: EscapePlace,
  { data, workspace, hidden }: { data: string; workspace: string; hidden: string[] },
): Promise<Outcome> {
  const victim = join(place.root, 'victim');
  return withSupervisor(place, data, victim, async (sockets) => {
    if (sockets.length === 0) return { type: 'broken', what: 'there is no socket to try' };
    const attacker = createAttacker(place, hidden, workspace);
    const marker = join(victim, 'marker');
    for (const mode of ['read-only', 'workspace-write'] as const) {
      const { output } = await attacker.run(asking(supervisorsFolder(data), victim, marker), mode);
      if (!output.includes('tried')) return { type: 'broken', what: `it did not run: ${output}` };
      if (output.includes('IN ')) return { type: 'broken', what: output };
    }
    return heldUnless(existsSync(marker) && 'its command ran outside');
  });
}

/** The attacker's command begins before the supervisor does, so it reaches the socket. */
async function tryEarlier(place: EscapePlace, data: string): Promise<Outcome> {
  const victim = join(place.root, 'victim');
  const marker = join(victim, 'marker');
  const attacker = createAttacker(place);
  const folder = supervisorsFolder(data);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const begun = join(attacker.workspace, 'begun');
  const running = attacker.run(`touch begun; ${asking(folder, victim, marker)}`);
  while (!existsSync(begun)) await setImmediate();
  return withSupervisor(place, data, victim, async () => {
    const { output } = await running;
    if (!output.includes('IN '))
      return { type: 'broken', what: `it reached no socket, so nothing is shown: ${output}` };
    return heldUnless(existsSync(marker) && `its command ran outside: ${output}`);
  });
}

/** Not below the temporary folder, of which a sandbox has another one. */
async function atHome(use: (folder: string) => Promise<Outcome>): Promise<Outcome> {
  const folder = mkdtempSync(join(homedir(), '.bobbin-escape-'));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export const rows: EscapeRow[] = [
  {
    row: 7,
    tried:
      'a command asks the supervisor that runs it, in a data folder in its workspace, to run another one without a sandbox',
    heldBy: 'the whole data folder is empty inside every sandbox, wherever it lies',
    attack: (place) => {
      const data = join(place.root, 'workspace', 'data');
      return tryIt(place, { data, workspace: join(place.root, 'workspace'), hidden: [data] });
    },
  },
  {
    row: 7,
    tried: 'a command asks the supervisor of another data folder',
    heldBy: 'sockets that anybody listens to are covered up',
    attack: (place) =>
      atHome((folder) =>
        tryIt(place, { data: join(folder, 'data'), workspace: join(place.root, 'workspace'), hidden: [] }),
      ),
  },
  {
    row: 7,
    tried:
      'a command asks the supervisor of another data folder, the path of which is too long for the name of a socket',
    heldBy: 'sockets that anybody listens to are covered up',
    attack: (place) =>
      atHome((folder) => {
        const data = join(folder, 'd'.repeat(100), 'data');
        return tryIt(place, { data, workspace: join(place.root, 'workspace'), hidden: [] });
      }),
  },
  {
    row: 7,
    tried: 'a command asks the supervisor of another data folder, which is started after it',
    heldBy: 'a supervisor does nothing for a client that cannot make a file in the folder of its socket',
    attack: (place) => atHome((folder) => tryEarlier(place, join(folder, 'data'))),
  },
];
