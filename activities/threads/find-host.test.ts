import { describe, expect, it } from 'vitest';
import type { KnownHost } from '../ports.ts';
import { findHost } from './find-host.ts';

const HOSTS: Record<string, KnownHost['status']> = { a: 'serving', b: 'serving', c: 'draining', d: 'away' };
const KNOWN = Object.entries(HOSTS).map(([id, status]): KnownHost => ({ id, status }));

async function ask(id: string, { host, isHere = false, isChild = false, known = KNOWN }: Partial<Options> = {}) {
  const list = () => Promise.resolve(known);
  const found = await findHost({ id, list }, { host, isHere: () => isHere, isChild });
  return found === null ? id : found.ask;
}

interface Options {
  host: string;
  isHere: boolean;
  isChild: boolean;
  known: KnownHost[];
}

describe('a thread without the name of a host', () => {
  it('is opened here if there is no other host, whether or not the folder is there', async () => {
    const known: KnownHost[] = [{ id: 'a', status: 'serving' }];
    expect(await ask('a', { known })).toBe('a');
    expect(await ask('a', { known, isHere: true })).toBe('a');
  });

  it('goes to the first host that has the folder, whichever host is asked', async () => {
    expect(await ask('a', { isHere: true })).toBe('a');
    expect(await ask('b', { isHere: true })).toEqual(['a', 'b']);
    expect(await ask('a')).toEqual(['b']);
    expect(await ask('b')).toEqual(['a']);
  });

  it('never goes to a host that drains or is away', async () => {
    expect(await ask('c', { isHere: true })).toEqual(['a', 'b']);
    expect(await ask('c', { isHere: true, known: [{ id: 'c', status: 'draining' }] })).toEqual([]);
    // It may be the one that has the folder.
    expect(
      await ask('a', {
        known: [
          { id: 'a', status: 'serving' },
          { id: 'd', status: 'away' },
        ],
      }),
    ).toEqual([]);
  });
});

describe('a thread that names its host', () => {
  it('goes there, also if it is away', async () => {
    expect(await ask('a', { host: 'a' })).toBe('a');
    expect(await ask('a', { host: 'd' })).toEqual(['d']);
  });

  it('is refused a host that is not known or drains', async () => {
    expect(await ask('a', { host: 'z' })).toEqual([]);
    expect(await ask('a', { host: 'c' })).toEqual([]);
    expect(await ask('c', { host: 'c' })).toEqual([]);
  });

  it('stays with the thread that started it, also on a host that drains', async () => {
    expect(await ask('c', { host: 'c', isChild: true })).toBe('c');
    expect(await ask('a', { host: 'c', isChild: true })).toEqual(['c']);
  });
});
