/** For tests: small images of each type, as programs make them, byte by byte. */
import { crc32, deflateSync } from 'node:zlib';

/** @param seed makes other pixels, and so another hash */
export function png(width: number, height: number, seed = 0): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  // A huge image is claimed and not drawn.
  const row = Buffer.alloc(1 + 3 * Math.min(width, 4_096), seed);
  row[0] = 0;
  const pixels = deflateSync(Buffer.concat(Array.from({ length: Math.min(height, 64) }, () => row)));
  const start = Buffer.from('89504e470d0a1a0a', 'hex');
  return Buffer.concat([start, chunk('IHDR', header), chunk('IDAT', pixels), chunk('IEND', Buffer.alloc(0))]);
}

function chunk(name: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(name, 'latin1'), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}

export function jpeg(width: number, height: number): Buffer {
  const frame = Buffer.from([0xff, 0xc0, 0, 11, 8, 0, 0, 0, 0, 1, 1, 0x11, 0]);
  frame.writeUInt16BE(height, 5);
  frame.writeUInt16BE(width, 7);
  // A thumbnail in the metadata is an image of its own, which does not count.
  const thumbnail = Buffer.from([0xff, 0xd8, 0xff, 0xc0, 0, 11, 8, 0, 1, 0, 1, 1, 1, 0x11, 0, 0xff, 0xd9]);
  const metadata = Buffer.concat([Buffer.from([0xff, 0xe1, 0, thumbnail.length + 2]), thumbnail]);
  const scan = Buffer.from([0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0, 0x12, 0x34]);
  return Buffer.concat([Buffer.from([0xff, 0xd8]), metadata, frame, scan, Buffer.from([0xff, 0xd9])]);
}

export function gif(width: number, height: number): Buffer {
  const screen = Buffer.alloc(7);
  screen.writeUInt16LE(width, 0);
  screen.writeUInt16LE(height, 2);
  screen[4] = 0x80;
  const frame = Buffer.alloc(10);
  frame[0] = 0x2c;
  frame.writeUInt16LE(width, 5);
  frame.writeUInt16LE(height, 7);
  const pixels = Buffer.from([2, 2, 0x4c, 0x01, 0]);
  const comment = Buffer.from([0x21, 0xfe, 2, 0x68, 0x69, 0]);
  return Buffer.concat([Buffer.from('GIF89a'), screen, Buffer.alloc(6), comment, frame, pixels, Buffer.from([0x3b])]);
}

/** @param canvas of an extended file, which may claim another size than its image has */
export function webp(width: number, height: number, canvas?: { width: number; height: number }): Buffer {
  const image = Buffer.alloc(5);
  image[0] = 0x2f;
  image.writeUInt32LE((width - 1) | ((height - 1) << 14), 1);
  const extended = Buffer.alloc(10);
  if (canvas !== undefined) {
    extended.writeUIntLE(canvas.width - 1, 4, 3);
    extended.writeUIntLE(canvas.height - 1, 7, 3);
  }
  const parts = [...(canvas === undefined ? [] : [riff('VP8X', extended)]), riff('VP8L', image)];
  return riff('RIFF', Buffer.concat([Buffer.from('WEBP'), ...parts]));
}

function riff(name: string, data: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(data.length);
  return Buffer.concat([Buffer.from(name), length, data, Buffer.alloc(data.length % 2)]);
}
