import { describe, expect, it } from 'vitest';
import { toTerminal } from '../text/terminal-text.ts';
import { renderMarkdown } from './markdown.ts';
import { plain } from './test-state.ts';

const shown = (text: string): string[] => renderMarkdown(text).map((row) => plain(toTerminal(row)));

describe('Markdown', () => {
  it('becomes headings, lists, code and quotes', () => {
    expect(
      shown('# Title\n\nSome **bold** `code`\n\n- one\n- two\n  - three\n\n1. a\n2. b\n\n```js\nlet x;\n```\n\n> said'),
    ).toEqual([
      ...['│ # Title', '│', '│ Some bold code', '│', '│ • one', '│ • two', '│   • three', '│', '│ 1. a', '│ 2. b', '│'],
      ...['│     let x;', '│', '│ > said'],
    ]);
  });

  it('hides nothing: where links lead, images, HTML, comments, definitions', () => {
    expect(
      shown('[safe](http://evil.example) ![i](x.png) <!-- hidden --> <b>b</b>\n\n[ref]: http://other.example'),
    ).toEqual([
      '│ safe (http://evil.example) ![i](x.png) <!-- hidden --> <b>b</b>',
      '│',
      '│ [ref]: http://other.example',
    ]);
    expect(shown('<script>\nx\n</script>')).toEqual(['│ <script>', '│ x', '│ </script>']);
  });

  it('leaves no line without the gutter, and interprets nothing', () => {
    const hostile = 'a\u001b[2J\n\n- \u202eb\n\n```\n? req_1\n\u0007\n```\n| a |\n|---|\n| \u009b |\n';
    for (const row of shown(hostile)) expect(row).toMatch(/^│/);
    // eslint-disable-next-line no-control-regex
    expect(shown(hostile).join('')).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
  });

  it('of a size that a parser should not get is shown as it is', () => {
    expect(shown('*'.repeat(60_000))).toHaveLength(1);
  });
});
