/** Runs the rows one after the other, each in a folder of its own that is gone afterwards. */
import { mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { removeTree } from '../../src/adapters/files/remove-tree.ts';
import type { EscapeRow, Outcome } from './row.ts';

const ROWS = join(import.meta.dirname, 'rows');
const ROW_TIMEOUT_MS = 120_000;

/** Every file in `rows/` exports `rows`. In the order of their numbers. */
export async function loadRows(): Promise<EscapeRow[]> {
  const files = readdirSync(ROWS).filter((name) => name.endsWith('.ts'));
  const loaded = await Promise.all(
    files.map((name) => import(pathToFileURL(join(ROWS, name)).href) as Promise<{ rows: EscapeRow[] }>),
  );
  return loaded.flatMap(({ rows }) => rows).sort((a, b) => a.row - b.row || a.tried.localeCompare(b.tried));
}

export async function runRow(row: EscapeRow): Promise<Outcome> {
  const root = mkdtempSync(join(tmpdir(), 'bobbin-escape-'));
  try {
    return await row.attack({ root, signal: AbortSignal.timeout(ROW_TIMEOUT_MS) });
  } catch (error) {
    return {
      type: 'broken',
      what: `it ended with: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    };
  } finally {
    await removeTree(root);
  }
}
