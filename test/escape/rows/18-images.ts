import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ImageFilesPort } from '../../../activities/ports.ts';
import { createImageFiles } from '../../../src/adapters/files/image-files.ts';
import { startSwapper } from '../../../src/adapters/files/test-swapper.ts';
import { type EscapePlace, type EscapeRow, type Outcome, heldUnless } from '../row.ts';

const ROUNDS = 300;
const OWN = 'MARKER-OWN';

interface Scene {
  workspace: string;
  /** Closed to commands, with an image `secret.png`. */
  keys: string;
  /** What of the file is read; undefined if it takes too long. */
  look: (path: string) => Promise<string | undefined>;
}

export const rows: EscapeRow[] = [
  {
    row: 18,
    tried:
      'an image is a link to what commands cannot read, directly, through a folder that is a link, or through /proc',
    heldBy: 'what a path leads to is decided first, and opened without following links; closed places are not read',
    async attack(place) {
      const { workspace, keys, look } = begin(place);
      run(workspace, `ln -s '${keys}/secret.png' a.png; ln -s a.png b.png; ln -s '${keys}' folder`);
      const paths = ['a.png', 'b.png', 'folder/secret.png', `../keys/secret.png`, join(keys, 'secret.png')];
      const roots = ['/proc/self/root', `/proc/${process.pid}/root`, '/proc/self/cwd'].map((root) => root + keys);
      for (const path of [...paths, ...roots.map((root) => join(root, 'secret.png')), '/proc/self/environ'])
        if ((await look(path)) !== 'refused') return { type: 'broken', what: `${path} was read` };
      return heldUnless((await look('own.png')) !== OWN && 'its own image was not read, so nothing is shown');
    },
  },
  {
    row: 18,
    tried: 'an image is a pipe, a socket or a device without end',
    heldBy: 'only regular files are read, and opening one does not wait',
    async attack(place) {
      const { workspace, look } = begin(place);
      run(workspace, 'mkfifo pipe.png; ln -s /dev/zero zero.png; ln -s /dev/stdin stdin.png; mkdir folder.png');
      for (const path of ['pipe.png', 'zero.png', 'stdin.png', 'folder.png', '/dev/zero'])
        if ((await look(path)) !== 'refused') return { type: 'broken', what: `${path} was read, or waited for` };
      return heldUnless(false);
    },
  },
  {
    row: 18,
    tried: 'a process swaps the folder of an image for a link to the keys again and again, while a model looks at it',
    heldBy: 'folders are opened one by one without following links',
    attack: lookWhileSwapping,
  },
];

async function lookWhileSwapping(place: EscapePlace): Promise<Outcome> {
  const { workspace, keys, look } = begin(place);
  mkdirSync(join(workspace, 'pictures'));
  writeFileSync(join(workspace, 'pictures', 'secret.png'), OWN);
  const swapper = await startSwapper(join(workspace, 'pictures'), keys);
  const seen = new Set<string | undefined>();
  try {
    // Until it was also read in its own folder: the attack would have shown nothing otherwise.
    for (let round = 0; round < ROUNDS || (!seen.has(OWN) && round < 20 * ROUNDS); round++)
      seen.add(await look('pictures/secret.png'));
  } finally {
    await swapper.stop();
  }
  if (!seen.has(OWN)) return { type: 'broken', what: 'its own image was never read, so nothing is shown' };
  return heldUnless([...seen].some((one) => one !== 'refused' && one !== OWN) && 'the image of the keys was read');
}

function begin(place: EscapePlace): Scene {
  const [workspace, keys, data] = ['workspace', 'keys', 'data'].map((name) => join(place.root, name));
  for (const folder of [workspace, keys, data]) mkdirSync(folder!);
  writeFileSync(join(keys!, 'secret.png'), 'MARKER-SECRET');
  writeFileSync(join(workspace!, 'own.png'), OWN);
  const images = createImageFiles({ stateDirectory: data!, closed: [keys!, data!] });
  return { workspace: workspace!, keys: keys!, look: (path) => lookAt(images, path, workspace!, place.signal) };
}

async function lookAt(
  images: ImageFilesPort,
  path: string,
  cwd: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const read = images.read(path, { threadId: 'thread_1', cwd, sandbox: 'workspace-write' }, signal);
  const found = await Promise.race([read, sleep(10_000, undefined, { ref: false })]);
  if (found === undefined) return undefined;
  return 'bytes' in found ? Buffer.from(found.bytes).toString('latin1', 0, 100) : 'refused';
}

function run(cwd: string, command: string): void {
  spawnSync('sh', ['-c', command], { cwd });
}
