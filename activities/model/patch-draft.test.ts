import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type PatchDraft, createPatchReader } from './patch-draft.ts';

function read(pieces: string[], form: 'json' | 'text', call = 0, reader = createPatchReader()): PatchDraft | undefined {
  return pieces.map((delta) => reader({ call, name: 'apply_patch', form, delta })).at(-1);
}

function cut(text: string, at: number[]): string[] {
  const places = [...at.map((place) => place % (text.length + 1)), 0, text.length].sort((a, b) => a - b);
  return places.slice(1).map((end, index) => text.slice(places[index], end));
}

test('a patch is read from its arguments, wherever they are cut', () => {
  const patches = fc.string({ unit: 'binary', minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(patches, fc.array(fc.nat(), { maxLength: 8 }), (patch, at) => {
      const shown = { call: 0, text: patch, chars: patch.length };
      expect(read(cut(JSON.stringify({ input: patch }), at), 'json')).toEqual(shown);
      expect(read(cut(patch, at), 'text')).toEqual(shown);
    }),
  );
});

test('a patch that is not whole is shown as far as it has come', () => {
  expect(read(['{"input": "*** Begin', ' Patch\\n+\\u00'], 'json')?.text).toBe('*** Begin Patch\n+');
  expect(read(['{"input":"a\nb'], 'json')?.text).toBe('a\nb');
});

test('of a long patch the end is shown', () => {
  const shown = read(['x'.repeat(5_000), 'end'], 'text');
  expect(shown).toMatchObject({ call: 0, chars: 5_003 });
  expect(shown?.text).toHaveLength(2_000);
  expect(shown?.text.endsWith('xend')).toBe(true);
});

test('another patch of the same answer begins anew, and other tools and arguments show nothing', () => {
  const reader = createPatchReader();
  read(['first'], 'text', 1, reader);
  expect(reader({ call: 2, name: 'exec_command', form: 'json', delta: '{"cmd":"ls' })).toBeUndefined();
  expect(read(['{"input":"next"}', 'more'], 'json', 3, reader)).toEqual({ call: 3, text: 'next', chars: 4 });
  expect(read([`{"other":"${'x'.repeat(200)}`, '","input":"x"}'], 'json')).toMatchObject({ text: '', chars: 0 });
});
