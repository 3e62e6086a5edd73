import { describe, expect, it } from 'vitest';
import { HOSTILE, RAW } from '../contract/test-every-type.ts';
import { toLogLine } from './log-line.ts';

const entry = { level: 'WARN' as const, timestampNanos: 1_700_000_000_000_000_000n };

describe('a line of the log', () => {
  it('is one, whatever a message, a field or an error holds', () => {
    const meta = { [HOSTILE]: HOSTILE, error: new Error(HOSTILE, { cause: new Error(HOSTILE) }) };
    const line = toLogLine({ ...entry, message: HOSTILE, meta });
    expect(line).not.toMatch(RAW);
    expect(line).not.toContain('\n');
    expect(line).toMatch(/^2023-11-14T22:13:20.000Z \[WARN\] \\x1b\[2J/);
  });

  it('says how much it leaves out', () => {
    expect(toLogLine({ ...entry, message: 'x'.repeat(20_000) })).toMatch(/x… \(\+4\d+ characters\)$/);
  });
});
