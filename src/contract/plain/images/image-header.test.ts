import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../limits.ts';
import { readImage } from './image-header.ts';
import { gif, jpeg, png, webp } from '../../test-images.ts';

const MAKERS = { png, jpeg, gif, webp };
const types = Object.keys(MAKERS) as (keyof typeof MAKERS)[];

describe.each(types)('a %s image', (type) => {
  const make = MAKERS[type];

  it('has the type and size that its bytes have', () => {
    expect(readImage(make(640, 480))).toEqual({ mediaType: `image/${type}`, width: 640, height: 480 });
    expect(readImage(make(1, 1))).toMatchObject({ width: 1, height: 1 });
  });

  it('that ends early is broken, wherever it ends', () => {
    const whole = make(64, 48);
    for (let length = 1; length < whole.length; length++)
      expect(readImage(whole.subarray(0, length)), `${length} bytes`).toHaveProperty('fault');
    expect(readImage(whole.subarray(0, whole.length - 2))).toEqual({
      fault: `it is a broken ${type} image: it ends too early, or its header makes no sense`,
    });
  });

  it('never takes long or throws, whatever bytes are changed', () => {
    const change = fc.record({ at: fc.nat(), byte: fc.nat({ max: 255 }) });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 20 }), fc.nat({ max: 40 }), (changes, cut) => {
        const bytes = Buffer.from(make(64, 48));
        for (const { at, byte } of changes) bytes[at % bytes.length] = byte;
        const read = readImage(bytes.subarray(0, bytes.length - cut));
        if ('width' in read) expect(read.width * read.height).toBeLessThanOrEqual(LIMITS.imagePixels);
        else expect(read.fault).toMatch(/^it (is|has) /);
      }),
      { numRuns: 2_000 },
    );
  });
});

it('says what a file is that is no image, whatever its name was', () => {
  const faultOf = (content: string | Buffer) => readImage(Buffer.from(content));
  const only = 'and only PNG, JPEG, GIF and WebP images can be seen';
  expect(faultOf('')).toEqual({ fault: 'it is empty' });
  expect(faultOf('<svg xmlns="http://www.w3.org/2000/svg"/>')).toEqual({ fault: `it is an SVG drawing, ${only}` });
  expect(faultOf('<?xml version="1.0"?>\n<svg onload="alert(1)"/>')).toEqual({
    fault: `it is an SVG drawing, ${only}`,
  });
  expect(faultOf('<!DOCTYPE html><script>alert(1)</script>')).toEqual({ fault: `it is an HTML page, ${only}` });
  expect(faultOf('%PDF-1.7')).toEqual({ fault: `it is a PDF document, ${only}` });
  expect(faultOf('\0\0\0\x20ftypheic')).toEqual({ fault: `it is a HEIC image, ${only}` });
  expect(faultOf('just words')).toEqual({ fault: `it is no image of a known type, ${only}` });
});

describe('the limits', () => {
  it('refuse fifty megapixels, however few bytes they have', () => {
    const bytes = png(10_000, 5_000);
    expect(bytes.length).toBeLessThan(10_000);
    expect(readImage(bytes)).toEqual({
      fault: 'it has 10000 × 5000 pixels, and an image may have 33554432 in all and 16384 in a row or column',
    });
    expect(readImage(png(7_680, 4_320))).toMatchObject({ width: 7_680, height: 4_320 });
    expect(readImage(png(16_385, 1))).toHaveProperty('fault');
    expect(readImage(png(0xffffffff, 0xffffffff))).toHaveProperty('fault');
  });

  it('count the largest size that a file claims anywhere', () => {
    expect(readImage(webp(16_000, 16_000, { width: 1, height: 1 }))).toHaveProperty('fault');
    expect(readImage(webp(10, 10, { width: 20, height: 5 }))).toMatchObject({ width: 20, height: 10 });
  });

  it('refuse more bytes than an image may have, and no pixels', () => {
    const large = Buffer.concat([png(1, 1), Buffer.alloc(LIMITS.imageBytes)]);
    expect(readImage(large)).toEqual({ fault: `it has ${large.length} bytes, and an image may have 10485760` });
    expect(readImage(png(0, 7))).toEqual({ fault: 'it is a png image of 0 × 7 pixels' });
  });

  it('take as long as there are bytes, not longer', () => {
    // Ten megabytes of the smallest blocks of each type.
    const many = Math.floor((LIMITS.imageBytes - 100) / 12);
    const chunks = Buffer.concat([png(1, 1).subarray(0, 33), Buffer.alloc(many * 12)]);
    for (let at = 33; at < chunks.length; at += 12) chunks.write('tEXt', at + 4, 'latin1');
    expect(readImage(chunks)).toHaveProperty('fault');
    expect(readImage(Buffer.concat([gif(1, 1).subarray(0, -1), Buffer.alloc(1_000_000, 0x21)]))).toHaveProperty(
      'fault',
    );
    expect(readImage(Buffer.concat([Buffer.from([0xff, 0xd8]), Buffer.alloc(1_000_000, 0xff)]))).toHaveProperty(
      'fault',
    );
  });
});
