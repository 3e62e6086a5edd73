/**
 * Images of a person. Their bytes go to the archive of the workers and never into a message: what is sent is a reference.
 */
import { createHash } from 'node:crypto';
import type { ImageHeader, ImageInput } from '../contract/index.ts';
import { readImage } from '../contract/plain/images/image-header.ts';
import { readImageText, toImageId } from '../contract/plain/images/image-types.ts';
import { LIMITS } from '../contract/plain/limits.ts';
import { BobbinError } from './bobbin-error.ts';

/** The archive of the workers, as far as images need it. A worker's own `archive` is one. */
export interface ImageArchive {
  /** Idempotent. */
  write(id: string, body: string): Promise<void>;
  /** Rejects with an error of the code `archiveMissing` if there is no such entry. */
  read(id: string): Promise<string>;
}

export interface StoredImage extends ImageHeader {
  bytes: Uint8Array;
}

export interface Images {
  /**
   * Stores an image and returns the entry for an input. Idempotent. Rejects with `imageUnusable` for anything that no
   * model can see, and with `imagesUnavailable` without an archive.
   * @param name of its file, for people and models
   */
  store(bytes: Uint8Array, name?: string): Promise<ImageInput>;
  /** Reads an image by the hash in its reference. Rejects with `imageNotFound`. */
  read(sha256: string): Promise<StoredImage>;
}

export function imagesIn(archive: ImageArchive | undefined): Images {
  const open = (): ImageArchive => {
    if (archive !== undefined) return archive;
    const message =
      'This client has no archive to put images into. Connect it with that of the workers, or name a file on their machine: `{ type: "localImage", path }`.';
    throw new BobbinError('imagesUnavailable', message);
  };
  return {
    async store(bytes, name) {
      const header = readImage(bytes);
      if ('fault' in header) throw unusable(name, header.fault);
      const sha256 = hashOf(bytes);
      await within(() => open().write(toImageId(sha256), Buffer.from(bytes).toString('base64')));
      const named = name === undefined ? {} : { name: name.slice(0, LIMITS.idChars).toWellFormed() };
      return { type: 'image', sha256, ...header, bytes: bytes.length, ...named };
    },
    async read(sha256) {
      if (!/^[0-9a-f]{64}$/.test(sha256)) throw notFound(sha256);
      const bytes = Buffer.from(await within(() => readImageText(open(), sha256), sha256), 'base64');
      const header = readImage(bytes);
      if (hashOf(bytes) !== sha256 || 'fault' in header) throw notFound(sha256);
      return { ...header, bytes };
    },
  };
}

export function unusable(name: string | undefined, fault: string): BobbinError {
  return new BobbinError(
    'imageUnusable',
    `${name === undefined ? 'The image' : `Image ${name}`} cannot be used: ${fault}.`,
  );
}

function notFound(sha256: string, cause?: unknown): BobbinError {
  return new BobbinError('imageNotFound', `There is no image ${sha256.slice(0, 64)} in the archive.`, cause);
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function within<T>(call: () => Promise<T>, sha256?: string): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof BobbinError) throw error;
    if (sha256 !== undefined && (error as { code?: unknown }).code === 'archiveMissing') throw notFound(sha256, error);
    throw new BobbinError('imagesUnavailable', `The archive cannot be used: ${(error as Error).message}`, error);
  }
}
