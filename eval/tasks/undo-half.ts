/** Take back half of what was done in the turn before, after the person has changed files as well. */
import assert from 'node:assert/strict';
import { packageJson, printing } from './files.ts';
import type { Files, Task } from './task.ts';

const FORMAT = `/** An amount of money as text. */
export function format(cents) {
  return (cents / 100).toFixed(2);
}
`;
const SEPARATED = `/** An amount of money as text, with separators of thousands. */
export function format(cents) {
  return (cents / 100).toFixed(2).replace(/\\B(?=(\\d{3})+(?!\\d))/g, ',');
}
`;
const CONFIG = `import { readFileSync } from 'node:fs';

const values = JSON.parse(readFileSync(new URL('../config.json', import.meta.url), 'utf8'));

/** The colour of totals. */
export const colour = () => values.colour ?? 'black';
`;
const README = '# Till\n\n`config.json` names the `colour` of totals.\n';

const FILES: Files = {
  'package.json': packageJson('till'),
  'README.md': README,
  'config.json': `${JSON.stringify({ colour: 'green' }, null, 2)}\n`,
  'src/config.mjs': CONFIG,
  'src/format.mjs': FORMAT,
  'src/till.mjs': `import { colour } from './config.mjs';
import { format } from './format.mjs';

export const total = (cents) => format(cents) + ' in ' + colour();
`,
};

const RENAMED = ['README.md', 'config.json', 'src/config.mjs', 'src/till.mjs'].join(' ');
const THEIR_LINE = 'Ask Kim before you change the printer.';
const THEIR_COMMENT = '// Checked by the auditors in May.';

export const undoHalf: Task = {
  name: 'undo-half',
  about: 'take back half of what was done, and keep what the person did meanwhile',
  commits: [{ message: 'Print totals', files: FILES }],
  turns: [
    {
      prompt:
        'Two changes, please. First, `format` of `src/format.mjs` separates thousands with commas: 1234567 gives `12,345.67`. Second, the word ' +
        '`colour` becomes `color` everywhere: the key in `config.json`, the function, the README.',
      solution: [{ write: 'src/format.mjs', text: SEPARATED }, { run: `sed -i 's/colour/color/g' ${RENAMED}` }],
    },
    {
      before: [
        `grep -qF '${THEIR_LINE}' README.md || printf '\\n%s\\n' '${THEIR_LINE}' >> README.md`,
        `grep -qF '${THEIR_COMMENT}' src/format.mjs || printf '%s\\n' '${THEIR_COMMENT}' >> src/format.mjs`,
      ].join('; '),
      prompt:
        'On second thoughts, take the second change back: it is `colour` again, everywhere. The first one stays. I have changed a few lines meanwhile; leave those as they are.',
      solution: [{ run: `sed -i 's/color/colour/g' ${RENAMED}` }, { run: 'git diff' }],
      // Everything is as it was committed.
      spoilt: [{ run: `for file in ${RENAMED} src/format.mjs; do git show HEAD:$file > $file; done` }],
    },
  ],
  async check(left) {
    await left.put(
      '/tmp/check/use.mjs',
      printing(
        `import { total } from '/tmp/check/copy/src/till.mjs'; import * as config from '/tmp/check/copy/src/config.mjs';
         import { format } from '/tmp/check/copy/src/format.mjs';`,
        `[total(1234567), format(99), format(100000), Object.keys(config)]`,
      ),
    );
    const expected = ['12,345.67 in green', '0.99', '1,000.00', ['colour']];
    assert.deepEqual(
      JSON.parse(await left.print('node /tmp/check/use.mjs')),
      expected,
      'the first change was to stay, the second to go',
    );
    const readme = await left.print('cat README.md');
    assert.equal(readme, `${README}\n${THEIR_LINE}\n`, 'the README is not as it was, with the line of the person');
    assert.ok((await left.print('cat src/format.mjs')).includes(THEIR_COMMENT), 'the comment of the person is gone');
    const others = await left.run('git diff --quiet HEAD -- config.json src/config.mjs src/till.mjs');
    assert.equal(others.exitCode, 0, 'a file of the second change is not as it was');
  },
};
