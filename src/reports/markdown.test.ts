import { lexer } from 'marked';
import { describe, expect, it } from 'vitest';
import { MARKDOWN_BOUNDS, toMarkdown } from './markdown.ts';
import { toCode, toWords } from './markdown-text.ts';
import { SAMPLE_RECORD, aFinding, aLedger, aRecord, aTarget, reviewed } from './test-record.ts';

describe('Markdown', () => {
  it('has the most urgent findings first, with their places and targets', () => {
    const lines = toMarkdown(SAMPLE_RECORD, 'open').split('\n');
    const findings = lines.slice(lines.indexOf('### Open findings') + 2, lines.indexOf('### Not reviewed') - 1);
    expect(findings.map((line) => line.replaceAll('\u200b', ''))).toEqual([
      '- **P0** *new* Refund is booked twice when the gateway times out `services/checkout/src/refunds/refund-order.ts:48` · checkout@main',
      '- **P1** Query text reaches the shell `indexer/grep.py:23` · search@main vs release/2026-11',
      '- **P2** *reopened* Cart total is compared as a float `services/checkout/src/cart.ts:112` · checkout@main',
      '- **P3** Retry loop has no delay `services/checkout/src/refunds/refund-order.ts:46` · checkout@main',
    ]);
  });

  it('names what failed and what was not reviewed', () => {
    const text = toMarkdown(SAMPLE_RECORD, 'open').replaceAll('\u200b', '');
    expect(text).toContain(
      '### Not reviewed\n\n- legacy: **failed**, repositoryGone: https://git.example.com/shop/legacy.git',
    );
    expect(text).toContain('- warehouse@develop: **not reviewed**, the budget of the batch was used up before it');
  });

  it('stays short, however much there is, and counts the rest', () => {
    const findings = Array.from({ length: 300 }, (_, index) =>
      aFinding({ findingId: `f${index}`, title: 'A title '.repeat(50), priority: index < 30 ? 1 : 3 }),
    );
    const failed = { status: 'failed', code: 'repositoryGone', message: 'gone '.repeat(200), spent: null } as const;
    const targets = Array.from({ length: 400 }, (_, index) =>
      aTarget(index, index % 2 === 0 ? reviewed() : failed, index === 0 ? aLedger('a', findings) : null),
    );
    const text = toMarkdown(aRecord(targets), 'open');
    expect(text.split('\n').length).toBeLessThanOrEqual(MARKDOWN_BOUNDS.lines);
    expect(text.length).toBeLessThanOrEqual(MARKDOWN_BOUNDS.chars);
    expect(text).toContain('- … and 280 more: 10 P1, 270 P3');
    expect(text).toContain('- … and 192 more');
    expect(text).toContain('… and 190 targets more.');
  });

  it('says that there is nothing, where there is nothing', () => {
    expect(toMarkdown(aRecord([aTarget(0, reviewed(), null)]), 'new')).toMatch(/### New findings\n\nNone\.\n$/);
  });

  it.each([
    ['a mention', '@octo/team look'],
    ['an issue', 'fixes #12 and GH-12'],
    ['an address', 'see https://evil.example and www.evil.example'],
    ['a link', '[click](javascript:alert(1))'],
    ['an image', '![x](http://evil.example/x.png)'],
    ['HTML', '<img src=x onerror=alert(1)><!-- hidden'],
    ['a heading', '# all\n# clear'],
    ['a cell', 'a | b \\| c'],
    ['code', '`a` ``` b'],
  ])('shows %s in a title as the words it is', (_, title) => {
    const [heading] = lexer(`- ${toWords(title, 200)}`);
    expect(JSON.stringify(heading)).not.toMatch(/"type":"(link|image|html|heading|codespan|table)"/);
    expect(toWords(title, 200)).not.toMatch(/@\w|#\d|GH-\d|:\/\/|www\.\w/);
  });

  it.each(['a`b', '``', '`a`', 'a\nb', ' a '])('shows %j as code, whole and on one line', (text) => {
    const [paragraph] = lexer(toCode(text, 200)) as { tokens: { type: string; text: string }[] }[];
    expect(paragraph?.tokens).toMatchObject([{ type: 'codespan', text: text.trim().replace('\n', ' ') }]);
  });
});
