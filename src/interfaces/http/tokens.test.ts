import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openTokens } from './tokens.ts';

it('a first token that was removed does not come back with the next start', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bobbin-tokens-'));
  try {
    const tokens = openTokens(folder);
    const leaked = (await tokens.first()) ?? '';
    expect(await tokens.remove(tokens.find(leaked)?.id ?? '')).toBe(true);
    const next = await openTokens(folder).first();
    expect(next).toMatch(/^bobbin_/);
    expect(next).not.toBe(leaked);
    expect(tokens.find(leaked)).toBeUndefined();
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it.each(['', '\n', 'b', 'bobbin_', 'bobbin_abc\n'])(
  'a first token that a killed server wrote in part (%j) is made anew and is not valid',
  async (part) => {
    const folder = mkdtempSync(join(tmpdir(), 'bobbin-tokens-'));
    try {
      writeFileSync(join(folder, 'http-token'), part, { mode: 0o600 });
      const tokens = openTokens(folder);
      const secret = (await tokens.first()) ?? '';
      expect(secret).toMatch(/^bobbin_[\w-]{43}$/);
      expect(readFileSync(join(folder, 'http-token'), 'utf8')).toBe(`${secret}\n`);
      expect(tokens.find(secret)).toMatchObject({ scopes: ['admin'] });
      expect(tokens.find(part.trim())).toBeUndefined();
      expect(readdirSync(folder).toSorted()).toEqual(['http-token', 'http-tokens.json']);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);
