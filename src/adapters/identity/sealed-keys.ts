/**
 * The key store in the store of all hosts: each file is an object that is encrypted with AES-256-GCM under the operator's
 * key and bound to its name, so that who can read or write the store learns no key and cannot pass off one object as another.
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import type { Store } from '../store/store.ts';
import { type KeyPlace, MAX_FILE_BYTES, keepNewest } from './key-files.ts';
import { UnusableFile } from './unusable-file.ts';

const FORM = Buffer.from('bobbin-sealed-1\n');
const IV_BYTES = 12;
const TAG_BYTES = 16;
/** How long another host may go on with what it has read: each request to a model asks which identity is in use. */
const FRESH_MS = 5_000;
const CHECK = 'check';

/**
 * @param store of this purpose only
 * @param key 32 bytes
 * @param earlier where keys were before; what the store lacks is taken over from there, once
 */
export function createSealedKeys(store: Store, key: Buffer, earlier: KeyPlace): KeyPlace {
  const cache = new Map<string, { until: number; text: string | undefined }>();
  const nameOf = (name: string) => createHash('sha256').update(name).digest('hex');
  const keep = (name: string, text: string | undefined): string | undefined => {
    keepNewest(cache, name, { until: Date.now() + FRESH_MS, text });
    return text;
  };
  const readSealed = async (name: string): Promise<string | undefined> => {
    const bytes = await store.read(nameOf(name));
    return bytes === undefined ? undefined : open(key, name, bytes);
  };
  const write = async (name: string, text: string): Promise<void> => {
    // Also after a failure: the object may have been written.
    await store.write(nameOf(name), seal(key, name, text)).finally(() => cache.delete(name));
  };
  const takeOver = async (name: string): Promise<string | undefined> => {
    const text = await earlier.read(name);
    if (text !== undefined) await write(name, text);
    return text;
  };
  return {
    where: (name) => `${store.place}/${name === '' ? '' : nameOf(name)}`,
    async read(name, fresh = false) {
      const known = cache.get(name);
      if (!fresh && known !== undefined && Date.now() < known.until) return known.text;
      const text = (await readSealed(name)) ?? (await takeOver(name));
      return keep(name, text === '' ? undefined : text);
    },
    write,
    async remove(name) {
      // An empty object: without one, a host would take its own earlier file over again.
      await write(name, '');
      await earlier.remove(name);
    },
    /** Also that the key is the one of the other hosts. */
    async checkWritable() {
      if ((await readSealed(CHECK)) === undefined) await write(CHECK, 'ok');
    },
  };
}

function seal(key: Buffer, name: string, text: string): Buffer {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: TAG_BYTES });
  cipher.setAAD(Buffer.from(name, 'utf8'));
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([FORM, iv, cipher.getAuthTag(), sealed]);
}

function open(key: Buffer, name: string, bytes: Buffer): string {
  const start = FORM.length + IV_BYTES + TAG_BYTES;
  const isOurs = bytes.length >= start && bytes.length <= start + MAX_FILE_BYTES;
  if (!isOurs || !bytes.subarray(0, FORM.length).equals(FORM)) throw new UnusableFile('it is no sealed file of Bobbin');
  const iv = bytes.subarray(FORM.length, FORM.length + IV_BYTES);
  const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(name, 'utf8'));
  decipher.setAuthTag(bytes.subarray(FORM.length + IV_BYTES, start));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(start)), decipher.final()]).toString('utf8');
  } catch {
    throw new UnusableFile('it was sealed with another BOBBIN_STORE_KEY, or was changed since');
  }
}
