import { mkdtempSync, rmSync } from 'node:fs';
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
