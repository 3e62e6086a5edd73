import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toToolNames } from './tool-names.ts';

describe('names of tools', () => {
  it('are made of the server and the tool', () => {
    expect(toToolNames([{ server: 'files', tool: 'read_file' }])).toEqual(['mcp__files__read_file']);
  });

  it('differ where the plain ones would be the same or too long', () => {
    const names = toToolNames([
      { server: 's', tool: 'a.b' },
      { server: 's', tool: 'a b' },
      { server: 's', tool: 'x'.repeat(100) },
      { server: 's', tool: `${'x'.repeat(100)}y` },
      { server: 's', tool: 'plain' },
    ]);
    expect(new Set(names).size).toBe(5);
    expect(names[0]).toMatch(/^mcp__s__a_b_[0-9a-f]{8}$/);
    expect(names[2]).toHaveLength(64);
    expect(names[4]).toBe('mcp__s__plain');
  });

  it('are taken by every endpoint, whatever servers call their tools', () => {
    const tool = fc.record({ server: fc.constantFrom('s', 's__t', 'u'), tool: fc.string({ unit: 'grapheme' }) });
    fc.assert(
      fc.property(fc.uniqueArray(tool, { selector: ({ server, tool }) => `${server}\n${tool}` }), (tools) => {
        const names = toToolNames(tools);
        expect(names.every((name) => /^mcp__[A-Za-z0-9_-]{1,59}$/.test(name))).toBe(true);
        expect(new Set(names).size).toBe(tools.length);
      }),
    );
  });
});
