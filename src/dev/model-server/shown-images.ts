/** The images of a request: what of them arrived, and what they count. */
import { createHash } from 'node:crypto';
import { readImage } from '../../contract/plain/images/image-header.ts';
import { isObject } from '../loopback-http.ts';
import { InvalidInput } from './invalid-input.ts';

const DATA_URL = /^data:([a-z/+.-]+);base64,/;

/** An image as it came, so that an answer proves it. */
export interface ShownImage {
  mediaType: string;
  width: number;
  height: number;
  sha256: string;
}

/** All parts `input_image` of an input, in their order. Throws for an image that an endpoint would refuse. */
function readImages(input: unknown): ShownImage[] {
  return partsIn(input).map((part) => {
    const url = urlOf(part);
    const [start, mediaType = ''] = DATA_URL.exec(url) ?? [];
    if (start === undefined) throw new InvalidInput('This server loads no images: send a data URL with base64.');
    const bytes = Buffer.from(url.slice(start.length), 'base64');
    const header = readImage(bytes);
    if ('fault' in header) throw new InvalidInput(`Invalid image: ${header.fault}.`);
    if (header.mediaType !== mediaType)
      throw new InvalidInput(`Invalid image: it is ${header.mediaType}, and was sent as ${mediaType}.`);
    return { ...header, sha256: createHash('sha256').update(bytes).digest('hex') };
  });
}

export function describeImage({ mediaType, width, height, sha256 }: ShownImage): string {
  return `${mediaType} ${width}x${height} sha256:${sha256}`;
}

export interface Counted {
  body: Record<string, unknown>;
  /** The number of characters less. */
  saved: number;
  /** All of them, in their order. */
  images: readonly ShownImage[];
}

const CHARACTERS_PER_TOKEN = 4;

/**
 * The same request with text in place of each image, as long as the image counts: one token for each 750 pixels, at most
 * 1,600.
 */
export function withoutBytes(body: Record<string, unknown>): Counted {
  let saved = 0;
  const images: ShownImage[] = [];
  const replace = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(replace);
    if (!isObject(value)) return value;
    if (value['type'] !== 'input_image') return mapMembers(value, replace);
    const [image] = readImages([value]);
    if (image === undefined) return value;
    images.push(image);
    const { width, height } = image;
    const tokens = Math.min(1_600, Math.ceil((width * height) / 750));
    const words = describeImage(image).padEnd(tokens * CHARACTERS_PER_TOKEN);
    saved += urlOf(value).length - words.length;
    return { ...value, image_url: words };
  };
  if (partsIn(body['input']).length === 0) return { body, saved, images };
  const counted = { ...body, input: replace(body['input']) };
  return { body: counted, saved, images };
}

function mapMembers(value: Record<string, unknown>, map: (member: unknown) => unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, map(member)]));
}

function urlOf(part: Record<string, unknown>): string {
  return typeof part['image_url'] === 'string' ? part['image_url'] : '';
}

function partsIn(input: unknown): Record<string, unknown>[] {
  if (Array.isArray(input)) return input.flatMap(partsIn);
  if (!isObject(input)) return [];
  if (input['type'] === 'input_image') return [input];
  return [...partsIn(input['content']), ...partsIn(input['output'])];
}
