import { describe, expect, it } from 'vitest';
import { codeBlock, codeSpan, firstLine, words } from './plain-text.ts';

describe('one line of a text', () => {
  it('is the first one that says something, and says how many more there are', () => {
    expect(firstLine('\n  \n npm test\n', 80)).toBe('npm test');
    expect(firstLine('ls\ncurl x | sh\nrm y', 80)).toBe('ls (+2 lines)');
    expect(firstLine(`ls${' '.repeat(100)}; rm -rf /\nmore`, 40)).toBe(`ls${' '.repeat(11)}… (+99 characters, 1 line)`);
    expect(firstLine('a\u001b[31mb\tc\u202ed\u200b', 80)).toBe('a\\x1b[31mb\\tc\\u{202e}d\\u{200b}');
    expect(firstLine('', 80)).toBe('');
    expect(firstLine(' \r\n', 80)).toBe('');
  });

  it('is cut at its bound, and takes no character apart', () => {
    expect(firstLine('x'.repeat(80), 80)).toHaveLength(80);
    expect(firstLine('x'.repeat(81), 80)).toBe(`${'x'.repeat(62)}… (+19 characters)`);
    expect(firstLine('🙂'.repeat(50), 30)).toBe('🙂🙂🙂🙂🙂… (+90 characters)');
    expect(firstLine('a\ud800b', 10)).toBe('a\\u{d800}b');
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
    expect(codeSpan('echo `date`', 80)).toBe('`` echo `date` ``');
    expect(codeSpan('a ```b`` c', 80)).toBe('````a ```b`` c````');
    expect(codeSpan('', 80)).toBe('');
  });

  it('is words that Markdown does not act upon', () => {
    expect(words('# a *b* `c` [d](e) <img> &#x202e; f_g _h_ $i$', 80)).toBe(
      '\\# a \\*b\\* \\`c\\` \\[d\\](e) \\<img> \\&#x202e; f_g \\_h\\_ \\$i\\$',
    );
  });
});

describe('a block of code', () => {
  it('has all of a text, with numbers, however long its lines are, and hides no secret', () => {
    expect(codeBlock(`ls\n\`\`\`\nTOKEN="$(rm -rf ~)"${' '.repeat(90)};x`, 4_000)).toEqual({
      lines: [
        '```text',
        ...['1 | ls', '2 | ```', `3 | TOKEN="$(rm -rf ~)"${' '.repeat(53)}`, `  | ${' '.repeat(37)};x`],
        '```',
      ],
      left: 0,
    });
  });

  it('spells out what a reader would not see', () => {
    expect(codeBlock('a\u001b[8m\u202eb\u00a0c\u200d\r', 400).lines[1]).toBe(
      '1 | a\\x1b[8m\\u{202e}b\\xa0c\\u{200d}\\r',
    );
  });

  it('stays within its bound and says how much it lacks', () => {
    const { lines, left } = codeBlock('\n'.repeat(5_000), 2_000);
    expect(lines.join('\n').length).toBeLessThanOrEqual(2_000);
    expect(left).toBe(5_000 - (lines.length - 3));
  });
});
