/** Resolve the conflicts of a merge so that the changes of both sides work, together too. */
import assert from 'node:assert/strict';
import { packageJson, printing } from './files.ts';
import type { Task } from './task.ts';

const BASE = `/** The price of an order in cents. */
export function total(lines) {
  return lines.reduce((sum, { cents, amount }) => sum + cents * amount, 0);
}
`;

const ROUNDED = `/** The price of an order in cents, with tax, rounded to whole cents at the end. */
export function total(lines, { tax = 0 } = {}) {
  const net = lines.reduce((sum, { cents, amount }) => sum + cents * amount, 0);
  return Math.round(net * (1 + tax));
}
`;

const DISCOUNTED = `/** The price of an order in cents. Ten or more of a line are cheaper by its discount, a part of 1. */
export function total(lines) {
  return lines.reduce((sum, { cents, amount, discount = 0 }) => {
    const rate = amount >= 10 ? 1 - discount : 1;
    return sum + cents * amount * rate;
  }, 0);
}
`;

const BOTH = `/**
 * The price of an order in cents, with tax, rounded to whole cents at the end. Ten or more of a line are cheaper by its
 * discount, a part of 1.
 */
export function total(lines, { tax = 0 } = {}) {
  const net = lines.reduce((sum, { cents, amount, discount = 0 }) => {
    const rate = amount >= 10 ? 1 - discount : 1;
    return sum + cents * amount * rate;
  }, 0);
  return Math.round(net * (1 + tax));
}
`;

const README = (line: string) => `# Orders\n\n${line}\n`;

export const mergeConflict: Task = {
  name: 'merge-conflict',
  about: 'resolve a merge in which both sides changed the same function',
  commits: [
    {
      message: 'Add up orders',
      files: { 'package.json': packageJson('orders'), 'src/total.mjs': BASE, 'README.md': README('`total` adds up.') },
    },
  ],
  prepare({ git, commit }) {
    const change = (message: string, text: string, line: string) =>
      commit({ message, files: { 'src/total.mjs': text, 'README.md': README(line) } });
    git('switch', '--quiet', '--create', 'discounts');
    change('Take discounts off', DISCOUNTED, '`total` adds up, and takes discounts off.');
    git('switch', '--quiet', 'main');
    change('Add tax', ROUNDED, '`total` adds up, with tax.');
    // It stops with a conflict.
    assert.throws(() => git('merge', '--quiet', 'discounts'));
  },
  turns: [
    {
      prompt:
        'A merge of the branch `discounts` into `main` stopped with conflicts. Resolve them in the files, so that what either side ' +
        'wanted works, in the README, too. Leave the merge itself to me: I add and commit.',
      solution: [
        { run: 'git diff' },
        { write: 'src/total.mjs', text: BOTH },
        { write: 'README.md', text: README('`total` adds up, takes discounts off, and adds tax.') },
      ],
      // One side is taken.
      spoilt: [
        { write: 'src/total.mjs', text: ROUNDED },
        { write: 'README.md', text: README('`total` adds up, takes discounts off, and adds tax.') },
      ],
    },
  ],
  async check(left) {
    const marks = await left.run(`grep -rnE '^(<<<<<<<|>>>>>>>) ' . --exclude-dir=.git`);
    assert.equal(marks.output, '', 'marks of a conflict are left');
    await left.put(
      '/tmp/check/use.mjs',
      printing(
        `import { total } from '/tmp/check/copy/src/total.mjs';`,
        `[total([{ cents: 100, amount: 9, discount: 0.5 }]), total([{ cents: 100, amount: 10, discount: 0.5 }, { cents: 1, amount: 1 }]),
          total([{ cents: 333, amount: 1 }], { tax: 0.19 }), total([{ cents: 99, amount: 11, discount: 0.15 }, { cents: 5, amount: 1 }], { tax: 0.07 }),
          total([])]`,
      ),
    );
    assert.deepEqual(JSON.parse(await left.print('node /tmp/check/use.mjs')), [900, 501, 396, 996, 0]);
    const readme = await left.print('cat README.md');
    assert.match(readme, /discount/i, 'the README lacks the discounts');
    assert.match(readme, /tax/i, 'the README lacks the tax');
  },
};
