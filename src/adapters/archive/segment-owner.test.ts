import fc from 'fast-check';
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { toSegmentFileName } from './segment-file.ts';
import { ownerOfSegment } from './segment-owner.ts';

const RUN = randomUUID();
const ownerOf = (segmentId: string) => ownerOfSegment(toSegmentFileName(segmentId));

describe('the owner of a segment', () => {
  it('is in its name, for every id of a thread that fits into one', () => {
    const id = fc.string({
      unit: fc.constantFrom('a', 'Z', '0', '.', '_', ':', '@', '/', '-'),
      minLength: 1,
      maxLength: 12,
    });
    fc.assert(
      fc.property(id, fc.nat(), fc.constantFrom('', `@${RUN}`), (threadId, at, run) => {
        const origin = { type: 'created', at };
        expect(ownerOf(`${threadId}/${at}/0-12.1-40${run}`)).toEqual({ threadId, origin });
        expect(ownerOf(`${threadId}/fork-${RUN}-2/0-12`)).toEqual({ threadId, origin: { type: 'fork', runId: RUN } });
      }),
    );
  });

  it('is the thread even if its id looks like a part of the name', () => {
    const origin = { type: 'created', at: 7 };
    expect(ownerOf(`a/5/0-1.1-2/7/0-1.1-2`)).toEqual({ threadId: 'a/5/0-1.1-2', origin });
    expect(ownerOf(`image/7/0-1.1-2`)).toEqual({ threadId: 'image', origin });
  });

  it('is nobody for an image, and not clear for any other name', () => {
    expect(ownerOf(`image/${'ab'.repeat(32)}`)).toBe('image');
    expect(ownerOf(`set-aside/${'ab'.repeat(32)}`)).toBe('image');
    for (const id of [
      '',
      'a',
      'a/5',
      'a/5/0-1',
      '/5/0-1.1-2',
      `a/${'1'.repeat(20)}/0-1.1-2`,
      'a/5/0-1.1-2@x',
      'a/fork-x-1/0-1',
    ])
      expect(ownerOf(id), id).toBe('unclear');
    expect(ownerOf(`${'long'.repeat(50)}/5/0-1.1-2`)).toBe('unclear');
    for (const name of ['s-a,5,0-1=002e1-2', 's-a,5,0-1=002e1-2.segment.tmp', 'S-a,5,0-1=002e1-2.segment', 'x'])
      expect(ownerOfSegment(name), name).toBe('unclear');
  });
});
