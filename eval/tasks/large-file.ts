/** Change two places of a file that is too large to be read as a whole. */
import assert from 'node:assert/strict';
import { packageJson, printing } from './files.ts';
import type { Task } from './task.ts';

const PORTS = ['harbour', 'island', 'valley', 'summit', 'meadow', 'quarry', 'orchard', 'lagoon'];
const SIDES = ['north', 'east', 'south', 'west'];
const RULES = 3000;

/** As regular as a random generator with a known beginning: the same file every time. */
function rules(): { id: string; text: string }[] {
  let seed = 7;
  const next = (below: number): number => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % below;
  };
  return Array.from({ length: RULES }, (_, index) => {
    const id = `${PORTS[index % PORTS.length] ?? ''}-${SIDES[Math.floor(index / PORTS.length) % SIDES.length] ?? ''}-${Math.floor(index / 32)}`;
    const from = 50 + 25 * next(30);
    const text = [
      `  // Customers of ${id}, by the contract of ${2001 + next(24)}.`,
      `  '${id}': {`,
      `    applies: (order) => order.total ${next(3) === 0 ? '>' : '>='} ${from} && order.items.length > ${next(3)},`,
      `    percent: ${1 + next(30)},`,
      `    note: '${['by hand', 'by post', 'by ship', 'by rail'][next(4)] ?? ''} ${next(100_000)}',`,
      `  },`,
    ].join('\n');
    return { id, text };
  });
}

const MARK = 'lagoon-south-61';
const OTHER = 'orchard-west-17';

function fileOf(): string {
  const entries = rules().map(({ id, text }) => {
    if (id === MARK)
      return text.replace(
        /order\.total >=? \d+ && order\.items\.length > \d/,
        'order.total > 250 && order.items.length > 0',
      );
    if (id === OTHER) return text.replace(/percent: \d+/, 'percent: 12');
    return text;
  });
  return `/** Discounts by the part of the country. */\nexport const RULES = {\n${entries.join('\n')}\n};\n`;
}

const FILE = fileOf();
const LINE = 'order.total > 250 && order.items.length > 0';
const edit = (id: string, from: string, to: string) => ({
  run: `sed -i "/^  '${id}': {/,/^  },/ s/${from}/${to}/" src/rules.mjs`,
});

export const largeFile: Task = {
  name: 'large-file',
  about: `change two places of a file of ${FILE.split('\n').length.toLocaleString('en-US')} lines`,
  commits: [
    {
      message: 'Keep the rules of all parts of the country',
      files: {
        'package.json': packageJson('discounts'),
        'src/rules.mjs': FILE,
        'src/discount.mjs': `import { RULES } from './rules.mjs';

/** Percent for an order of a customer from that part of the country. */
export const discount = (part, order) => (RULES[part].applies(order) ? RULES[part].percent : 0);
`,
      },
    },
  ],
  turns: [
    {
      prompt:
        `Two rules of \`src/rules.mjs\` are wrong: that of \`${MARK}\` must apply to an order of exactly 250, too, and that of \`${OTHER}\` gives ` +
        '21 percent, not 12. Change those two, and not a character elsewhere.',
      solution: [
        { run: `grep -n -A5 -e "'${MARK}'" -e "'${OTHER}'" src/rules.mjs` },
        edit(MARK, 'total > 250', 'total >= 250'),
        edit(OTHER, 'percent: 12', 'percent: 21'),
        { run: 'git diff --stat' },
      ],
      // All rules of that form are changed.
      spoilt: [
        { run: `sed -i 's/order.total > 250/order.total >= 250/' src/rules.mjs` },
        edit(OTHER, 'percent: 12', 'percent: 21'),
      ],
    },
  ],
  async check(left) {
    assert.ok(FILE.split(LINE.slice(0, 17)).length > 10, 'the rule is not the only one of its form');
    await left.put(
      '/tmp/check/use.mjs',
      printing(
        `import { discount } from '/tmp/check/copy/src/discount.mjs'; const items = [1, 2, 3];`,
        `[249, 250, 251].map((total) => discount('${MARK}', { total, items }) > 0).concat(discount('${MARK}', { total: 250, items: [] }) > 0, discount('${OTHER}', { total: 9999, items }))`,
      ),
    );
    assert.deepEqual(JSON.parse(await left.print('node /tmp/check/use.mjs')), [false, true, true, false, 21]);
    assert.equal(
      await left.print('git diff --numstat'),
      '2\t2\tsrc/rules.mjs\n',
      'more than the two lines have changed',
    );
    assert.equal(await left.print('git status --porcelain'), ' M src/rules.mjs\n', 'something else has changed');
  },
};
