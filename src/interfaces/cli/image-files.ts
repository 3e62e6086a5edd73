/** Images that a person names: read on this machine, with the rights of the person, and put into the archive. */
import { open } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, resolve } from 'node:path';
import { BobbinError } from '../../client/bobbin-error.ts';
import type { Bobbin } from '../../client/index.ts';
import type { ImageInput, InputItem } from '../../contract/index.ts';
import { LIMITS } from '../../contract/plain/limits.ts';

/** Text with images after it. Rejects with `imageUnusable` for a file that cannot be one. */
export async function toInput(
  { images }: Bobbin,
  text: string | undefined,
  files: readonly string[] = [],
  folder = process.cwd(),
): Promise<InputItem[]> {
  const stored: ImageInput[] = [];
  for (const file of files) stored.push(await images.store(await readBeginning(file, folder), basename(file)));
  return [...(text === undefined ? [] : [{ type: 'text' as const, text }]), ...stored];
}

async function readBeginning(file: string, folder: string): Promise<Uint8Array> {
  const path = resolve(
    folder,
    file.replace(/^~(?=\/)/, () => homedir()),
  );
  try {
    const opened = await open(path, 'r');
    try {
      // A pipe or a device could go on for ever.
      if (!(await opened.stat()).isFile()) throw new Error('it is not a file');
      const { buffer, bytesRead } = await opened.read(Buffer.alloc(LIMITS.imageBytes + 1), 0, LIMITS.imageBytes + 1, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await opened.close();
    }
  } catch (error) {
    throw new BobbinError('imageUnusable', `${file} cannot be read: ${(error as Error).message}.`, error);
  }
}

/** For `--image`, which may be given several times. */
export function collect(file: string, earlier: string[] = []): string[] {
  return [...earlier, file];
}

export const IMAGE_FLAGS = '--image <file>';

export const imageOption = [IMAGE_FLAGS, 'add an image of this machine; again for more', collect] as const;

/** The images that a prompt names by `@path`, with an ending that images have. */
export function namedImages(text: string): string[] {
  return [...text.matchAll(/(?:^|\s)@(\S+\.(?:png|jpe?g|gif|webp))(?=\s|$)/gi)].map(([, path = '']) => path);
}
