/**
 * Type and size of an image, from its headers. Nothing is decoded: the bytes may come from anybody. Every loop moves
 * forward in the bytes, so the time is bounded by their number. Files that end early are noticed, since an endpoint that
 * refuses an image refuses the whole request.
 */
import { LIMITS } from '../limits.ts';
import type { ImageHeader } from './image-types.ts';

/** The reason is written for a person and a model. */
export interface ImageFault {
  fault: string;
}

/** Reads the headers, and checks the limits. */
export function readImage(bytes: Uint8Array): ImageHeader | ImageFault {
  if (bytes.length === 0) return { fault: 'it is empty' };
  if (bytes.length > LIMITS.imageBytes) return { fault: toTooLarge(bytes.length) };
  const found = readHeader(bytes);
  if (found === null) return { fault: `it is ${guess(bytes)}, and only PNG, JPEG, GIF and WebP images can be seen` };
  const { mediaType, width, height } = found;
  const type = mediaType.slice('image/'.length);
  if (!found.isWhole) return { fault: `it is a broken ${type} image: it ends too early, or its header makes no sense` };
  if (width === 0 || height === 0) return { fault: `it is a ${type} image of ${width} × ${height} pixels` };
  if (width > LIMITS.imageSide || height > LIMITS.imageSide || width * height > LIMITS.imagePixels)
    return {
      fault: `it has ${width} × ${height} pixels, and an image may have ${LIMITS.imagePixels} in all and ${LIMITS.imageSide} in a row or column`,
    };
  return { mediaType, width, height };
}

export function toTooLarge(bytes: number): string {
  return `it has ${bytes} bytes, and an image may have ${LIMITS.imageBytes}`;
}

type Found = ImageHeader & { isWhole: boolean };

function readHeader(bytes: Uint8Array): Found | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (startsWith(bytes, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])) return readPng(bytes, view);
  if (startsWith(bytes, [0xff, 0xd8, 0xff])) return readJpeg(bytes, view);
  if (['GIF87a', 'GIF89a'].includes(textAt(bytes, 0, 6))) return readGif(bytes, view);
  if (textAt(bytes, 0, 4) === 'RIFF' && textAt(bytes, 8, 4) === 'WEBP') return readWebp(bytes, view);
  return null;
}

function startsWith(bytes: Uint8Array, start: readonly number[]): boolean {
  return start.every((byte, at) => bytes[at] === byte);
}

/** Latin-1; shorter at the end of the bytes. */
function textAt(bytes: Uint8Array, at: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + length));
}

// ------------------------------------------------------------------------------------------------------------- PNG

/** Chunks of a length, a name, that many bytes and a checksum: `IHDR` first, `IEND` last. */
function readPng(bytes: Uint8Array, view: DataView): Found {
  let [width, height, hasPixels, isFirst] = [0, 0, false, true];
  const broken = () => ({ mediaType: 'image/png' as const, width, height, isWhole: false });
  for (let at = 8; at + 12 <= bytes.length; isFirst = false) {
    const length = view.getUint32(at);
    const name = textAt(bytes, at + 4, 4);
    if (length > bytes.length - at - 12 || isFirst !== (name === 'IHDR')) return broken();
    if (name === 'IHDR') {
      if (length !== 13) return broken();
      [width, height] = [view.getUint32(at + 8), view.getUint32(at + 12)];
    }
    if (name === 'IDAT') hasPixels = true;
    if (name === 'IEND') return { mediaType: 'image/png', width, height, isWhole: hasPixels };
    at += length + 12;
  }
  return broken();
}

// ------------------------------------------------------------------------------------------------------------ JPEG

/** Frames with a size: `SOF0` to `SOF15` without those that are tables. */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
}

/** Segments of a marker and a length, up to the first scan. */
function readJpeg(bytes: Uint8Array, view: DataView): Found {
  let [width, height] = [0, 0];
  const end = (isWhole: boolean) => ({ mediaType: 'image/jpeg' as const, width, height, isWhole });
  for (let at = 2; at + 4 <= bytes.length;) {
    if (bytes[at] !== 0xff) return end(false);
    const marker = bytes[at + 1] ?? 0;
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    const length = view.getUint16(at + 2);
    if (length < 2 || at + 2 + length > bytes.length) return end(false);
    if (isFrame(marker)) {
      if (length < 8) return end(false);
      height = Math.max(height, view.getUint16(at + 5));
      width = Math.max(width, view.getUint16(at + 7));
    }
    if (marker === 0xda) return end(endsLater(bytes, at + 2 + length));
    at += 2 + length;
  }
  return end(false);
}

/** Cameras write data of their own after the end of an image. */
function endsLater(bytes: Uint8Array, from: number): boolean {
  for (let at = bytes.length - 2; at >= from; at--) if (bytes[at] === 0xff && bytes[at + 1] === 0xd9) return true;
  return false;
}

// ------------------------------------------------------------------------------------------------------------- GIF

/** Blocks after the screen: extensions, images and the trailer. Their data are sub-blocks of a length each. */
function readGif(bytes: Uint8Array, view: DataView): Found {
  let [width, height, hasPixels] = [0, 0, false];
  const end = (isWhole: boolean) => ({ mediaType: 'image/gif' as const, width, height, isWhole });
  if (bytes.length < 13) return end(false);
  [width, height] = [view.getUint16(6, true), view.getUint16(8, true)];
  let at = 13 + colours(bytes[10] ?? 0);
  while (at < bytes.length) {
    const block = bytes[at];
    if (block === 0x3b) return end(hasPixels);
    if (block === 0x21) at += 2;
    else if (block === 0x2c && at + 10 < bytes.length) {
      hasPixels = true;
      width = Math.max(width, view.getUint16(at + 1, true) + view.getUint16(at + 5, true));
      height = Math.max(height, view.getUint16(at + 3, true) + view.getUint16(at + 7, true));
      at += 11 + colours(bytes[at + 9] ?? 0);
    } else return end(false);
    for (let length = bytes[at] ?? 0; length > 0; length = bytes[at] ?? 0) at += length + 1;
    at += 1;
  }
  return end(false);
}

/** Bytes of the table of colours that follows. */
function colours(flags: number): number {
  return (flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 7) + 1);
}

// ------------------------------------------------------------------------------------------------------------ WebP

/** Chunks of a name, a length and that many bytes, in one container. The largest size that one of them claims counts. */
function readWebp(bytes: Uint8Array, view: DataView): Found {
  let [width, height, hasPixels] = [0, 0, false];
  const end = (isWhole: boolean) => ({ mediaType: 'image/webp' as const, width, height, isWhole });
  const last = bytes.length < 12 ? 0 : view.getUint32(4, true) + 8;
  if (last > bytes.length) return end(false);
  for (let at = 12; at + 8 <= last;) {
    const length = view.getUint32(at + 4, true);
    if (length > last - at - 8) return end(false);
    const size = readWebpChunk(bytes.subarray(at + 8, at + 8 + length), textAt(bytes, at, 4));
    if (size === 'broken') return end(false);
    if (size !== null) [width, height] = [Math.max(width, size.width), Math.max(height, size.height)];
    if (size?.isImage === true) hasPixels = true;
    at += 8 + length + (length % 2);
  }
  return end(hasPixels);
}

interface WebpSize {
  width: number;
  height: number;
  isImage: boolean;
}

function readWebpChunk(chunk: Uint8Array, name: string): WebpSize | 'broken' | null {
  const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  const threeBytes = (at: number) => view.getUint16(at, true) + ((chunk[at + 2] ?? 0) << 16);
  switch (name) {
    case 'VP8X':
      if (chunk.length < 10) return 'broken';
      return { width: threeBytes(4) + 1, height: threeBytes(7) + 1, isImage: false };
    case 'VP8 ':
      if (chunk.length < 10 || !startsWith(chunk.subarray(3), [0x9d, 0x01, 0x2a])) return 'broken';
      return { width: view.getUint16(6, true) & 0x3fff, height: view.getUint16(8, true) & 0x3fff, isImage: true };
    case 'VP8L': {
      if (chunk.length < 5 || chunk[0] !== 0x2f) return 'broken';
      const bits = view.getUint32(1, true);
      return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1, isImage: true };
    }
    case 'ANMF':
      if (chunk.length < 16) return 'broken';
      return { width: threeBytes(6) + 1, height: threeBytes(9) + 1, isImage: true };
    default:
      return null;
  }
}

// ----------------------------------------------------------------------------------------------------- everything else

/** What a person probably has there, for the message. */
function guess(bytes: Uint8Array): string {
  const head = textAt(bytes, 0, 512).trimStart().toLowerCase();
  if (/^(<\?xml|<!doctype svg|<!--|<svg)[^]*<svg|^<svg/.test(head)) return 'an SVG drawing';
  if (/^<(!doctype html|html|head|body|script)/.test(head)) return 'an HTML page';
  if (head.startsWith('%pdf')) return 'a PDF document';
  if (head.startsWith('bm')) return 'a BMP image';
  if (/^(ii\*\0|mm\0\*)/.test(head)) return 'a TIFF image';
  if (/^.{4}ftyp(avif|avis)/s.test(head)) return 'an AVIF image';
  if (/^.{4}ftyp(hei[cfmsx]|mif1|msf1)/s.test(head)) return 'a HEIC image';
  return 'no image of a known type';
}
