/** Images that a model can see: a reference to stored bytes, and its words. The bytes are never in a message. */

/** What every provider takes. Decided by the bytes, never by a name. */
export const IMAGE_TYPES = ['image/png', 'image/jpeg', 'image/gif', 'image/webp'] as const;
export type ImageType = (typeof IMAGE_TYPES)[number];

export interface ImageHeader {
  mediaType: ImageType;
  /** In pixels. */
  width: number;
  height: number;
}

/** An image in the archive, by the SHA-256 of its bytes in lower-case hex. */
export interface ImageRef extends ImageHeader {
  sha256: string;
  bytes: number;
  /** The name of its file, for people and models; foreign text. */
  name?: string;
}

/** An image file as a thread found it when its model was to see it: the image, or why there is none. */
export type LocalImage = { path: string } & (ImageRef | { fault: string });

/** The id of an image in the archive. A segment of a thread's past has a longer one. */
export function toImageId(sha256: string): string {
  return `image/${sha256}`;
}

/** The id of the same image while it is set aside: no thread was found to refer to it, and it is about to be removed. */
export function toSetAsideId(sha256: string): string {
  return `set-aside/${sha256}`;
}

/** The stored text of an image, also of one that is set aside. Rejects with an error of the code `archiveMissing`. */
export async function readImageText(archive: { read(id: string): Promise<string> }, sha256: string): Promise<string> {
  const isMissing = (error: unknown) => (error as { code?: unknown } | null)?.code === 'archiveMissing';
  try {
    return await archive.read(toImageId(sha256));
  } catch (error) {
    if (!isMissing(error)) throw error;
    return archive.read(toSetAsideId(sha256)).catch((second: unknown) => {
      throw isMissing(second) ? error : second;
    });
  }
}

/** For people and models: `shot.png, 800 × 600, image/png, 12 kB`. */
export function toImageWords({ name, mediaType, width, height, bytes }: Omit<ImageRef, 'sha256'>): string {
  const size = bytes < 1_000 ? `${bytes} bytes` : `${Math.round(bytes / 1_000)} kB`;
  return [...(name === undefined ? [] : [name]), `${width} × ${height}`, mediaType, size].join(', ');
}

type InputPart =
  | { type: 'text'; text: string }
  | { type: 'localImage'; path: string }
  | ({ type: 'image' } & Omit<ImageRef, 'sha256'>);

/** An input as text: each image is a line in square brackets. */
export function toInputText(input: readonly InputPart[]): string {
  return input.map(toPartText).join('\n');
}

function toPartText(part: InputPart): string {
  switch (part.type) {
    case 'text':
      return part.text;
    case 'image':
      return `[image: ${toImageWords(part)}]`;
    case 'localImage':
      return `[image: ${part.path}]`;
  }
}

export function hasImages(input: readonly { type: string }[]): boolean {
  return input.some(({ type }) => type !== 'text');
}
