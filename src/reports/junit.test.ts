import { expect, it } from 'vitest';
import { toJunit } from './junit.ts';
import { aFinding, aLedger, aRecord, aTarget, reviewed } from './test-record.ts';

it('is a test report: open findings fail, dismissed ones are skipped, fixed ones pass, and a failed review is an error', () => {
  const dismissal = { by: 'ann', why: 'only in tests', at: 0 };
  const findings = [
    aFinding({ findingId: 'a', title: '[P1] Quote "it" & <close>\ufffe', body: 'Why\u0000' }),
    aFinding({ findingId: 'b', state: 'dismissed', dismissal }),
    aFinding({ findingId: 'c', state: 'fixed', location: null }),
  ];
  const failed = { status: 'failed', code: 'gitFailed', message: 'no such branch', spent: null } as const;
  const record = aRecord([aTarget(0, reviewed(), aLedger('a', findings)), aTarget(1, failed, null)]);
  const text = toJunit(record, 'all');
  expect(text).toMatch(
    /^<\?xml version="1.0" encoding="UTF-8"\?>\n<testsuites name="bobbin [^"]*" tests="5" failures="1" errors="1" skipped="1">\n/,
  );
  expect(text).toContain(
    'name="Quote &quot;it&quot; &amp; &lt;close&gt;\ufffd (a)" file="src/store/reader.ts" line="12">',
  );
  expect(text).toContain('src/store/reader.ts:12-13\n\nWhy⟨U+0000⟩</failure>');
  expect(text).toContain('<skipped message="dismissed: only in tests"/>');
  expect(text).toMatch(/<testcase classname="[^"]*" name="[^"]* \(c\)"><\/testcase>/);
  expect(text).toContain('<error type="failed" message="failed: gitFailed: no such branch"/>');
  expect(toJunit(record, 'open')).toContain('tests="3" failures="1" errors="1" skipped="0"');
});

it('has the exact names of files, as far as XML has a place for them', () => {
  const location = { path: ' a  "b"\t<\n\u00a0\u202e\u0001\ud800', startLine: 1, endLine: 2 };
  const text = toJunit(aRecord([aTarget(0, reviewed(), aLedger('a', [aFinding({ location })]))]), 'all');
  expect(text).toContain('file=" a  &#34;b&#34;&#9;&#60;&#10;&#160;&#8238;⟨U+0001⟩\ufffd" line="1">');
  expect(text).toContain('> a  &quot;b&quot;⟨U+0009⟩&lt;⟨U+000A⟩⟨U+00A0⟩⟨U+202E⟩⟨U+0001⟩\ufffd:1-2\n');
});
