/**
 * Puts the bytes of images into a request. The newest that fit are shown; where an older one was, or one that cannot be
 * shown, stands a note with the reason. A conversation that has not changed gives the same request.
 */
import { type ImageRef, toImageWords } from '../../src/contract/plain/images/image-types.ts';
import { LIMITS } from '../../src/contract/plain/limits.ts';
import { Failure } from '../failures.ts';
import type { ArchivePort, ConversationEntry, ModelImage } from '../ports.ts';
import { loadImage } from './stored-images.ts';

export interface ShownConversation {
  conversation: ConversationEntry[];
  /** For the person, one for each image that should be there and is not. */
  warnings: string[];
}

type Shown = { image: ModelImage } | { note: string; warning?: string };

/** @param reason why the model gets no images; null if it does */
export async function showImages(
  archive: ArchivePort,
  entries: readonly ConversationEntry<ImageRef>[],
  reason: string | null,
): Promise<ShownConversation> {
  const all = entries.flatMap((entry) => imagesOf(entry));
  if (all.length === 0) return { conversation: entries as ConversationEntry[], warnings: [] };
  const left = reason === null ? beyondLimits(all) : new Map(all.map((image) => [image, reason]));
  const loaded = new Map<string, Shown>();
  const show = async (image: ImageRef): Promise<Shown> => {
    const note = left.get(image);
    if (note !== undefined) return { note };
    const known = loaded.get(image.sha256) ?? (await load(archive, image));
    loaded.set(image.sha256, known);
    return known;
  };
  const warnings: string[] = [];
  const conversation: ConversationEntry[] = [];
  for (const entry of entries) {
    const shown: ModelImage[] = [];
    const notes: string[] = [];
    for (const image of imagesOf(entry)) {
      const one = await show(image);
      if ('image' in one) shown.push(one.image);
      else notes.push(`[not shown: ${toImageWords(image)}: ${one.note}]`);
      if ('warning' in one) warnings.push(one.warning);
    }
    conversation.push(withImages(entry, shown, notes));
  }
  return { conversation, warnings: [...new Set(warnings)] };
}

function imagesOf(entry: ConversationEntry<ImageRef>): readonly ImageRef[] {
  return 'images' in entry ? (entry.images ?? []) : [];
}

/** The older ones, if all together are too many. */
function beyondLimits(images: readonly ImageRef[]): Map<ImageRef, string> {
  let [number, bytes] = [0, 0];
  const beyond = new Map<ImageRef, string>();
  for (const image of images.toReversed()) {
    number += 1;
    bytes += image.bytes;
    if (number > LIMITS.requestImages || bytes > LIMITS.requestImageBytes)
      beyond.set(
        image,
        'there are newer images, and a request has room for a few only; look at it again if you need it',
      );
  }
  return beyond;
}

async function load(archive: ArchivePort, image: ImageRef): Promise<Shown> {
  try {
    const found = await loadImage(archive, image.sha256);
    if ('fault' in found) return { note: found.fault, warning: `${toImageWords(image)} is not shown: ${found.fault}.` };
    const { base64, mediaType, width, height, sha256 } = found;
    return { image: { sha256, mediaType, width, height, base64 } };
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== 'archiveMissing') throw error;
    const warning = `${toImageWords(image)} is not shown: the archive of this worker does not have it. To send images, use the archive of the workers (BOBBIN_ARCHIVE_DIR or BOBBIN_STORE), or name a file of the workspace.`;
    return { note: 'it was not found', warning };
  }
}

function withImages(entry: ConversationEntry<ImageRef>, images: ModelImage[], notes: string[]): ConversationEntry {
  if (!('images' in entry)) return entry as ConversationEntry;
  const { images: _, ...plain } = entry;
  const shown = images.length === 0 ? {} : { images };
  const more = notes.map((note) => `\n${note}`).join('');
  return plain.type === 'message'
    ? { ...plain, text: plain.text + more, ...shown }
    : { ...plain, output: plain.output + more, ...shown };
}
