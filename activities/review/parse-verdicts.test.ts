import { expect, it } from 'vitest';
import { mergeVerdicts, parseVerdicts } from './parse-verdicts.ts';

const ASKED = ['f1', 'f2', 'f3'];
const answer = (known_findings: unknown) => JSON.stringify({ findings: [], known_findings });

it('what a review says of the findings that it was told of is read, also from between other words', () => {
  const said = answer([
    { id: 'f1', verdict: 'fixed' },
    { id: 'f2', verdict: 'still_there' },
    { id: 'f3', verdict: 'cannot_say' },
  ]);
  const read = [
    { findingId: 'f1', verdict: 'fixed' },
    { findingId: 'f2', verdict: 'stillThere' },
  ];
  expect(parseVerdicts(said, ASKED)).toEqual(read);
  expect(parseVerdicts(`Here you are:\n\`\`\`json\n${said}\n\`\`\``, ASKED)).toEqual(read);
});

it('what cannot be read was not said, nor what nobody asked for', () => {
  const odd = [null, 'f1', { id: 'f1' }, { id: 'f1', verdict: 'yes' }, { id: 7, verdict: 'fixed' }];
  expect(parseVerdicts(answer([...odd, { id: 'f9', verdict: 'fixed' }]), ASKED)).toEqual([]);
  for (const text of ['', 'fixed: f1', answer('f1'), answer(null), '{}', '[]'])
    expect(parseVerdicts(text, ASKED)).toEqual([]);
});

it('what is said to be still there is, whatever else is said of it', () => {
  const both = [
    { id: 'f1', verdict: 'fixed' },
    { id: 'f1', verdict: 'still_there' },
    { id: 'f1', verdict: 'fixed' },
  ];
  expect(parseVerdicts(answer(both), ASKED)).toEqual([{ findingId: 'f1', verdict: 'stillThere' }]);
  const parts = both.map((one) => parseVerdicts(answer([one]), ASKED)).flat();
  expect(mergeVerdicts(parts)).toEqual([{ findingId: 'f1', verdict: 'stillThere' }]);
});
