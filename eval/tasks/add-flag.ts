/** Add a flag to a command line program, with its tests and its documentation. */
import assert from 'node:assert/strict';
import { packageJson } from './files.ts';
import type { Task } from './task.ts';

const COUNT = `/** How often each word occurs, in the order in which they first occur. */
export function countWords(text) {
  const counts = new Map();
  for (const [word] of text.toLowerCase().matchAll(/[\\p{L}\\p{N}']+/gu)) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}
`;

const CLI = `#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { countWords } from '../src/count.mjs';

const USAGE = 'usage: words [--help] FILE\\n';
const args = process.argv.slice(2);

if (args.includes('--help')) {
  process.stdout.write(USAGE);
} else if (args.length !== 1 || args[0].startsWith('-')) {
  process.stderr.write(USAGE);
  process.exitCode = 2;
} else {
  for (const [word, count] of countWords(readFileSync(args[0], 'utf8'))) console.log(count + ' ' + word);
}
`;

const DONE = `#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { countWords } from '../src/count.mjs';

const USAGE = 'usage: words [--help] [--top N] FILE\\n';

function refuse(reason) {
  process.stderr.write(reason + '\\n' + USAGE);
  process.exitCode = 2;
}

function main() {
  let parsed;
  try {
    parsed = parseArgs({ options: { help: { type: 'boolean' }, top: { type: 'string' } }, allowPositionals: true });
  } catch (error) {
    return refuse(error.message);
  }
  const { values: { help, top }, positionals } = parsed;
  if (help) return process.stdout.write(USAGE);
  if (positionals.length !== 1) return refuse('one file is needed');
  if (top !== undefined && !/^[1-9]\\d*$/.test(top)) return refuse('--top needs a whole number above 0');
  let words = [...countWords(readFileSync(positionals[0], 'utf8'))];
  if (top !== undefined) {
    words.sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
    words = words.slice(0, Number(top));
  }
  for (const [word, count] of words) console.log(count + ' ' + word);
}

main();
`;

const TEST = `import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

const program = new URL('../bin/words.mjs', import.meta.url).pathname;
const file = join(mkdtempSync(join(tmpdir(), 'words-')), 'text');
writeFileSync(file, 'b a b c a b');

test('every word is counted', () => {
  assert.equal(execFileSync('node', [program, file], { encoding: 'utf8' }), '3 b\\n2 a\\n1 c\\n');
});
`;

const MORE_TESTS = `
test('--top prints the most frequent words', () => {
  assert.equal(execFileSync('node', [program, '--top', '2', file], { encoding: 'utf8' }), '3 b\\n2 a\\n');
});

test('--top needs a number', () => {
  assert.equal(spawnSync('node', [program, '--top', 'x', file]).status, 2);
});
`;

const README = '# words\n\n`words FILE` prints how often each word of a file occurs.\n';

export const addFlag: Task = {
  name: 'add-flag',
  about: 'add a flag to a program, with tests and documentation',
  commits: [
    {
      message: 'Count words',
      files: {
        'package.json': packageJson('words', { bin: 'bin/words.mjs' }),
        'README.md': README,
        'bin/words.mjs': CLI,
        'src/count.mjs': COUNT,
        'test/words.test.mjs': TEST,
      },
    },
  ],
  turns: [
    {
      prompt: [
        'Add a flag `--top N` to `bin/words.mjs`, before or after FILE: it prints only the N most frequent words, the most frequent',
        'first, and words with the same count in the order of the alphabet. N is a whole number above 0; with anything else, or nothing,',
        'the program prints the reason to standard error and exits with code 2, as for wrong usage today. Without the flag nothing',
        'changes. Write tests of it into `test/`, and describe it in the README and in `--help`.',
      ].join(' '),
      solution: [
        { run: 'cat bin/words.mjs test/words.test.mjs' },
        { write: 'bin/words.mjs', text: DONE },
        { write: 'test/words.test.mjs', text: TEST + MORE_TESTS },
        {
          write: 'README.md',
          text: `${README}\n\`--top N\` prints only the N most frequent ones, the most frequent first.\n`,
        },
        { run: 'node --test 2>&1 | tail -12' },
      ],
      // Everything but tests of the flag.
      spoilt: [
        { write: 'bin/words.mjs', text: DONE },
        { write: 'README.md', text: `${README}\n\`--top N\` prints only the N most frequent ones.\n` },
      ],
    },
  ],
  async check(left) {
    await left.put('/tmp/check/text', 'pear fig pear apple Fig pear kiwi apple kiwi date');
    const words = (args: string) => left.run(`node bin/words.mjs ${args} 2>/dev/null`);
    for (const args of ['--top 4 /tmp/check/text', '/tmp/check/text --top 4'])
      assert.equal((await words(args)).output, '3 pear\n2 apple\n2 fig\n2 kiwi\n', args);
    assert.equal((await words('--top 99 /tmp/check/text')).output, '3 pear\n2 apple\n2 fig\n2 kiwi\n1 date\n');
    assert.equal((await words('/tmp/check/text')).output, '3 pear\n2 fig\n2 apple\n2 kiwi\n1 date\n');
    for (const args of [
      '--top 0 /tmp/check/text',
      '--top 1.5 /tmp/check/text',
      '--top x /tmp/check/text',
      '/tmp/check/text --top',
      '',
    ]) {
      const { exitCode, output } = await words(args);
      assert.deepEqual({ exitCode, output }, { exitCode: 2, output: '' }, `words ${args}`);
    }
    assert.match((await words('--help')).output, /--top/, '--help does not name the flag');
    assert.match(await left.print('cat README.md'), /--top/, 'the README does not name the flag');
    const tests = () => left.run('node --test 2>&1');
    assert.equal((await tests()).exitCode, 0, 'the tests fail');
    // Without all that was made for the flag, tests of the flag must fail.
    await left.print('git clean -fdxq -e test && git checkout -q HEAD -- bin src package.json');
    assert.notEqual((await tests()).exitCode, 0, 'no test notices that the flag is missing');
  },
};
