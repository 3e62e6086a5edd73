import { describe, expect, it } from 'vitest';
import { codeSpan, firstLine } from './plain-text.ts';

describe('one line of a text', () => {
  it('is the first one that says something, without control characters', () => {
    expect(firstLine('\n  \n npm test\nmore', 80)).toBe('npm test');
    expect(firstLine('a\u001b[31mb\tc', 80)).toBe('a [31mb c');
    expect(firstLine('', 80)).toBe('');
    expect(firstLine(' \r\n', 80)).toBe('');
  });

  it('is cut at its bound, and takes no character apart', () => {
    expect(firstLine('x'.repeat(80), 80)).toHaveLength(80);
    expect(firstLine('x'.repeat(81), 80)).toBe(`${'x'.repeat(79)}…`);
    expect(firstLine('🙂'.repeat(50), 10)).toBe('🙂🙂🙂🙂…');
    expect(firstLine('a\ud800b', 10)).toBe('a b');
  });

  it.each([
    ['git clone https://me:hunter2@example.com/x.git', 'git clone https://…@example.com/x.git'],
    ['curl -H "Authorization: Bearer sk-1234567890"', 'curl -H "Authorization: Bearer …"'],
    ['export API_KEY=sk-123 && run', 'export API_KEY=… && run'],
    ["psql --password='one two' -c x", 'psql --password=… -c x'],
    ['{"access_token": "abc", "n": 1}', '{"access_token": …, "n": 1}'],
  ])('%s hides what is secret', (text, shown) => expect(firstLine(text, 200)).toBe(shown));

  it('hides a secret that its bound would cut', () => {
    expect(firstLine(`${'x'.repeat(60)} TOKEN=abcdefghijklmnop`, 75)).not.toContain('abc');
  });

  it('stays a code span whatever it holds', () => {
    expect(codeSpan('echo `date`', 80)).toBe("`echo 'date'`");
    expect(codeSpan('', 80)).toBe('');
  });
});
