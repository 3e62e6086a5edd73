/** The short form of `npm run test:escape`: every row once, as whoever runs the tests. */
import { describe, expect, it } from 'vitest';
import { loadRows, runRow } from './run-rows.ts';

const rows = await loadRows();

describe('a way out that was tried', () => {
  it.each(rows.map((row) => [row.row, row.tried, row] as const))(
    'row %i, %s: holds',
    async (_row, _tried, row) => {
      const result = await runRow(row);
      expect(result, JSON.stringify(result)).not.toMatchObject({ type: 'broken' });
    },
    130_000,
  );
});
