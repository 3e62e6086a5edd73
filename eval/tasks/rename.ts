/** Rename a function in every place, also where its name is text, and not where the same word means something else. */
import assert from 'node:assert/strict';
import { packageJson, printing } from './files.ts';
import type { Files, Task } from './task.ts';

const FILES: Files = {
  'package.json': packageJson('inventory'),
  'README.md': `# Inventory

    import { getStock } from './src/index.mjs';
    getStock('apples'); // 12

The HTTP interface is described in \`api/openapi.json\`.
`,
  'api/openapi.json': `${JSON.stringify({ openapi: '3.1.0', paths: { '/stock/{name}': { get: { operationId: 'getStock' } } } }, null, 2)}\n`,
  'src/store.mjs': `const amounts = new Map([['apples', 12], ['pears', 3]]);

export function getStock(name) {
  return amounts.get(name) ?? 0;
}

export function takeStock(name, amount) {
  if (getStock(name) < amount) throw new RangeError('there are not enough ' + name);
  amounts.set(name, getStock(name) - amount);
}
`,
  'src/index.mjs': `export { getStock, takeStock } from './store.mjs';\n`,
  'src/report.mjs': `import * as store from './store.mjs';

/** One line for each name, as {@link store.getStock} counts. */
export const report = (names) => names.map((name) => name + ': ' + store.getStock(name)).join('\\n');
`,
  'src/commands.mjs': `import * as inventory from './index.mjs';

/** Functions by the command that calls them. */
const FUNCTIONS = { stock: 'getStock', take: 'takeStock' };

export function runCommand(command, ...args) {
  return inventory[FUNCTIONS[command]](...args);
}
`,
  'src/http.mjs': `import { readFileSync } from 'node:fs';
import { getStock } from './index.mjs';

const { paths } = JSON.parse(readFileSync(new URL('../api/openapi.json', import.meta.url), 'utf8'));
/** Answers by the operation ids of the interface, which clients are generated from. */
const OPERATIONS = { getStock: (name) => ({ status: 200, body: { name, amount: getStock(name) } }) };

export function answer(path) {
  const [, kind, name] = path.split('/');
  const id = paths['/' + kind + '/{name}']?.get.operationId;
  return id in OPERATIONS ? OPERATIONS[id](name) : { status: 404 };
}
`,
  'test/store.test.mjs': `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { getStock, takeStock } from '../src/index.mjs';

test('what was taken is not there any longer', () => {
  takeStock('pears', 1);
  assert.equal(getStock('pears'), 2);
});
`,
};

const HOW = `sed -i 's/getStock/stockOf/g' README.md src/store.mjs src/index.mjs src/report.mjs src/commands.mjs test/store.test.mjs`;

export const rename: Task = {
  name: 'rename',
  about: 'rename a function across files, also where its name is text',
  commits: [{ message: 'Count what is there', files: FILES }],
  turns: [
    {
      prompt:
        'Rename the function `getStock` to `stockOf` everywhere in this repository, documentation and tests included. No alias with the ' +
        'old name may stay. The HTTP interface is public: its operation ids must stay as they are, and it must go on working.',
      solution: [
        { run: 'grep -rn getStock . --exclude-dir=.git' },
        { run: HOW },
        {
          run: `sed -i 's/import { getStock }/import { stockOf }/; s/amount: getStock(name)/amount: stockOf(name)/' src/http.mjs`,
        },
        { run: 'node --test 2>&1 | tail -12' },
      ],
      // The text in the commands is forgotten.
      spoilt: [
        { run: HOW.replace(' src/commands.mjs', '') },
        {
          run: `sed -i 's/import { getStock }/import { stockOf }/; s/amount: getStock(name)/amount: stockOf(name)/' src/http.mjs`,
        },
      ],
    },
  ],
  async check(left) {
    const tests = await left.run('node --test 2>&1');
    assert.equal(tests.exitCode, 0, `the tests fail:\n${tests.output.slice(-500)}`);
    await left.put(
      '/tmp/check/use.mjs',
      printing(
        `import * as inventory from '/tmp/check/copy/src/index.mjs';
         import { report } from '/tmp/check/copy/src/report.mjs';
         import { runCommand } from '/tmp/check/copy/src/commands.mjs';
         import { answer } from '/tmp/check/copy/src/http.mjs';`,
        `[Object.keys(inventory).sort(), or(() => inventory.stockOf('apples')), or(() => report(['apples', 'plums'])),
          or(() => runCommand('stock', 'pears')), or(() => answer('/stock/apples')), or(() => answer('/other/apples'))]`,
      ),
    );
    assert.deepEqual(JSON.parse(await left.print('node /tmp/check/use.mjs')), [
      ['stockOf', 'takeStock'],
      12,
      'apples: 12\nplums: 0',
      3,
      { status: 200, body: { name: 'apples', amount: 12 } },
      { status: 404 },
    ]);
    const operation = await left.print(`grep -c '"operationId": *"getStock"' api/openapi.json`);
    assert.equal(operation.trim(), '1', 'the operation id of the interface has changed');
    // Tests and the README may name the operation.
    const old = await left.run(
      `grep -rlw getStock src test/store.test.mjs --exclude=http.mjs; grep -l 'getStock(' README.md`,
    );
    assert.equal(old.output, '', 'the old name is still used');
    const used = await left.run(
      'test -f test/store.test.mjs && grep -q stockOf test/store.test.mjs && grep -q stockOf README.md',
    );
    assert.equal(used.exitCode, 0, 'tests or README do not use the new name');
  },
};
