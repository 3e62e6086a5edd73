/** What every format says alike: the priority once, how many findings are open, and which files nobody looked at. */
import { describe, expect, it } from 'vitest';
import { toName } from './foreign-text.ts';
import { describeLeftOut } from './outcome.ts';
import { type ReportFormat, REPORT_FORMATS, toReport } from './report.ts';
import { aFinding, aLedger, aRecord, aTarget, reviewed } from './test-record.ts';

const TITLE = 'Close the file';
const textOf = (format: ReportFormat, findings: ReturnType<typeof aFinding>[], more: object = {}) => {
  const outcome = { ...reviewed(), ...more };
  return toReport(aRecord([aTarget(0, outcome, aLedger('a', findings))]), format, 'all').replaceAll('\u200b', '');
};

describe('a priority', () => {
  it.each(['[P1] Close the file', '[P1] [P1] Close the file', ' [P2]Close the file', 'Close the file'])(
    'is shown once, whatever the title %j has in front',
    (title) => {
      const finding = aFinding({ title, priority: 1, body: '', code: null });
      expect(textOf('markdown', [finding])).toContain(`- **P1** *new* ${TITLE} `);
      expect(JSON.parse(textOf('rdjson', [finding]))).toMatchObject({
        ...{ diagnostics: [{ message: TITLE, code: { value: 'P1' } }] },
      });
      expect(JSON.parse(textOf('sarif', [finding]))).toMatchObject({
        ...{ runs: [{ results: [{ message: { text: `[P1] ${TITLE}` } }] }] },
      });
      const html = textOf('html', [finding]);
      expect(html).toContain(`<bdi class="title">${TITLE}</bdi>`);
      expect(html).not.toContain('[P');
    },
  );

  it('alone is no title', () => {
    expect(textOf('markdown', [aFinding({ title: '[P1] ' })])).toContain('A finding without words');
  });
});

it('the total of open findings is in every format that has a place for it', () => {
  const states = ['open', 'open', 'fixed', 'dismissed'] as const;
  const findings = states.map((state, index) => aFinding({ findingId: `f${index}`, state }));
  expect(textOf('markdown', findings)).toContain('**2 open** in all');
  expect(textOf('html', findings)).toMatch(/<b>2<\/b> open in all/);
  expect(JSON.parse(textOf('sarif', findings))).toMatchObject({ runs: [{ properties: { open: 2 } }] });
});

describe('files that nobody looked at', () => {
  const leftOut = [
    { path: 'logo \u202egnp.exe', why: 'binary' },
    { path: 'a`b|c.ts', why: '151 bytes' },
  ];

  it('are named with why, in the number they are', () => {
    const row = (filesLeftOut: number, named = leftOut) =>
      describeLeftOut({ ...reviewed(), filesLeftOut, leftOut: named } as Parameters<typeof describeLeftOut>[0]);
    expect(row(0, [])).toBe('');
    expect(row(1, leftOut.slice(1))).toBe('1 file was not looked at: a`b|c.ts (151 bytes)');
    expect(row(2, [])).toBe('2 files were not looked at');
    expect(row(1_002)).toBe(
      '1,002 files were not looked at: logo ⟨U+202E⟩gnp.exe (binary), a`b|c.ts (151 bytes), 1,000 more',
    );
  });

  it('are named in every format that has a place for them', () => {
    for (const format of REPORT_FORMATS.filter((one) => one !== 'rdjson' && one !== 'json'))
      expect(textOf(format, [], { filesLeftOut: 2, leftOut }), format).toMatch(/logo ⟨U\+202E⟩gnp\.exe/);
    expect(textOf('markdown', [], { filesLeftOut: 2, leftOut })).toContain(
      '### Files not looked at\n\n- `logo ⟨U+202E⟩gnp.exe` (binary), ``a`b|c.ts`` (151 bytes)\n',
    );
    expect(textOf('html', [], { filesLeftOut: 1, leftOut: [{ path: '<b>', why: '<i>' }] })).toContain(
      '&lt;b&gt; (&lt;i&gt;)',
    );
  });

  it('are counted where the record of an earlier release does not name them', () => {
    expect(textOf('markdown', [], { filesLeftOut: 3 })).toContain('### Files not looked at\n\n- 3 files\n');
  });
});

describe('the name of a file', () => {
  it.each([
    ['ünïcödé "x".ts', 'ünïcödé "x".ts'],
    ['two  blanks.ts', 'two  blanks.ts'],
    ['line\nbreak\t.ts', 'line⟨U+000A⟩break⟨U+0009⟩.ts'],
    ['zero\u200bwidth\u00a0.ts', 'zero⟨U+200B⟩width⟨U+00A0⟩.ts'],
    ['esc\u001b]8;;x\u0007.ts', 'esc⟨U+001B⟩]8;;x⟨U+0007⟩.ts'],
  ])('%j is shown as %j', (path, shown) => {
    expect(toName(path, 200)).toBe(shown);
    const finding = aFinding({ location: { path, startLine: 3, endLine: 3 } });
    expect(textOf('markdown', [finding])).toContain(`\`${shown}:3\``);
    expect(textOf('html', [finding])).toContain(`>${shown.replaceAll('"', '&quot;')}:3</bdi>`);
    // For programs it is the name itself.
    expect(JSON.parse(toReport(aRecord([aTarget(0, reviewed(), aLedger('a', [finding]))]), 'rdjson'))).toMatchObject({
      ...{ diagnostics: [{ location: { path } }] },
    });
    expect(textOf('sarif', [finding])).toContain(path.split('/').map(encodeURIComponent).join('/'));
  });
});
