/** Give parts of the work to agents. */
import assert from 'node:assert/strict';
import { packageJson, printing } from './files.ts';
import type { Step, Task } from './task.ts';

/** A fault in each package, and what is right. */
const PACKAGES = {
  roman: {
    asks: 'Numbers up to 3999 as Roman ones; a RangeError for any other number.',
    wrong: `const SIGNS = [[1000, 'M'], [500, 'D'], [100, 'C'], [50, 'L'], [10, 'X'], [5, 'V'], [1, 'I']];

export function roman(number) {
  let text = '';
  for (const [value, sign] of SIGNS) {
    while (number >= value) {
      text += sign;
      number -= value;
    }
  }
  return text;
}
`,
    right: `const SIGNS = [
  [1000, 'M'], [900, 'CM'], [500, 'D'], [400, 'CD'], [100, 'C'], [90, 'XC'],
  [50, 'L'], [40, 'XL'], [10, 'X'], [9, 'IX'], [5, 'V'], [4, 'IV'], [1, 'I'],
];

export function roman(number) {
  if (!Number.isInteger(number) || number < 1 || number > 3999) throw new RangeError('no Roman number: ' + number);
  let text = '';
  for (const [value, sign] of SIGNS) {
    while (number >= value) {
      text += sign;
      number -= value;
    }
  }
  return text;
}
`,
    uses: `[roman(1994), roman(3888), roman(4), or(() => roman(4000)), or(() => roman(0)), or(() => roman(1.5))]`,
    gives: ['MCMXCIV', 'MMMDCCCLXXXVIII', 'IV', 'RangeError', 'RangeError', 'RangeError'],
  },
  ranges: {
    asks: 'Whole numbers in any order as text, with ranges for three and more in a row: 1-3, 5, 6. Each number counts once.',
    wrong: `export function ranges(numbers) {
  const parts = [];
  for (let at = 0; at < numbers.length; ) {
    let end = at;
    while (numbers[end + 1] === numbers[end] + 1) end += 1;
    parts.push(end > at ? numbers[at] + '-' + numbers[end] : String(numbers[at]));
    at = end + 1;
  }
  return parts.join(', ');
}
`,
    right: `export function ranges(numbers) {
  const sorted = [...new Set(numbers)].sort((a, b) => a - b);
  const parts = [];
  for (let at = 0; at < sorted.length; ) {
    let end = at;
    while (sorted[end + 1] === sorted[end] + 1) end += 1;
    if (end - at >= 2) parts.push(sorted[at] + '-' + sorted[end]);
    else for (let index = at; index <= end; index++) parts.push(String(sorted[index]));
    at = end + 1;
  }
  return parts.join(', ');
}
`,
    uses: `[ranges([6, 3, 2, 1, 5, 2]), ranges([10, 9, 8, 11]), ranges([]), ranges([7])]`,
    gives: ['1-3, 5, 6', '8-11', '', '7'],
  },
  wrap: {
    asks: 'Text in lines of at most `width` characters, broken at blanks; a longer word has a line of its own, unbroken.',
    wrong: `export function wrap(text, width) {
  const lines = [''];
  for (const word of text.split(' ')) {
    if (lines.at(-1).length + word.length > width) lines.push('');
    lines[lines.length - 1] += lines.at(-1) === '' ? word : ' ' + word;
  }
  return lines.join('\\n');
}
`,
    right: `export function wrap(text, width) {
  const lines = [];
  for (const word of text.split(/\\s+/).filter((part) => part !== '')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = last + ' ' + word;
    else lines.push(word);
  }
  return lines.join('\\n');
}
`,
    uses: `[wrap('one two three four', 7), wrap('extraordinary word', 5), wrap('a b', 3), wrap('', 4)]`,
    gives: ['one two\nthree\nfour', 'extraordinary\nword', 'a b', ''],
  },
};

const entries = Object.entries(PACKAGES);
const spawn = ([name, { right }]: (typeof entries)[number]): Step => ({
  spawn: name,
  message: `Mend packages/${name}. Its README says what is right. Leave the other packages alone.`,
  steps: [{ run: `cat packages/${name}/README.md` }, { write: `packages/${name}/index.mjs`, text: right }],
});

export const delegate: Task = {
  name: 'delegate',
  about: 'give parts of the work to agents',
  commits: [
    {
      message: 'Collect three packages',
      files: {
        'package.json': packageJson('collection', { workspaces: ['packages/*'] }),
        ...Object.fromEntries(
          entries.flatMap(([name, { asks, wrong }]) => [
            [`packages/${name}/package.json`, packageJson(name)],
            [`packages/${name}/README.md`, `# ${name}\n\n${asks}\n`],
            [`packages/${name}/index.mjs`, wrong],
          ]),
        ),
      },
    },
  ],
  turns: [
    {
      prompt:
        'None of the three packages in `packages/` does what its README says. Give each package to an agent of yours, one agent for each, and let them ' +
        'work in parallel; do not mend anything yourself. Wait for them, try what they did, and report what was wrong.',
      solution: [...entries.map(spawn), ...entries.map((): Step => ({ wait: 'agents' }))],
      // The work is right, and nobody else did it.
      spoilt: entries.map(([name, { right }]): Step => ({ write: `packages/${name}/index.mjs`, text: right })),
    },
  ],
  async check(left) {
    for (const [name, { uses, gives }] of entries) {
      await left.put(
        '/tmp/check/use.mjs',
        printing(`import { ${name} } from '/tmp/check/copy/packages/${name}/index.mjs';`, uses),
      );
      assert.deepEqual(JSON.parse(await left.print('node /tmp/check/use.mjs')), gives, `packages/${name} is wrong`);
    }
    const agents = left.items.filter(
      (item) => item.type === 'collabAgentToolCall' && item.tool === 'spawn_agent' && item.status === 'completed',
    );
    assert.ok(agents.length >= entries.length, `only ${agents.length} agents were started`);
  },
};
