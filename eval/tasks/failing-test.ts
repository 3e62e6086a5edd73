/** Make a failing test pass: the cause is not in the file that the test names first. */
import assert from 'node:assert/strict';
import type { Task } from './task.ts';

const PARSE = `const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const PART = /(\\d+(?:\\.\\d+)?)(ms|s|m|h|d)/g;

/** Milliseconds of a text like \`1h 30m\`. Throws a RangeError for any other text. */
export function parseDuration(text) {
  const compact = text.replace(/\\s+/g, '');
  let total = 0;
  let length = 0;
  for (const [part, amount, unit] of compact.matchAll(PART)) {
    total += parseInt(amount) * UNITS[unit];
    length += part.length;
  }
  if (length === 0 || length !== compact.length) throw new RangeError(\`not a duration: \${text}\`);
  return total;
}
`;

const QUEUE = `import { parseDuration } from './duration.mjs';

/** When a job is tried again: the pause doubles with each attempt, up to the longest one. */
export function nextAttempt(now, attempt, { pause = '1s', longest = '5m' } = {}) {
  return now + Math.min(parseDuration(pause) * 2 ** (attempt - 1), parseDuration(longest));
}
`;

const TEST = `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextAttempt } from '../src/queue.mjs';

test('the pause doubles with each attempt', () => {
  assert.equal(nextAttempt(0, 1), 1000);
  assert.equal(nextAttempt(0, 3), 4000);
});

test('the pause is never longer than the longest', () => {
  assert.equal(nextAttempt(0, 20), 300_000);
});

test('a pause may be a part of a unit', () => {
  assert.equal(nextAttempt(1000, 1, { pause: '1.5s' }), 2500);
});
`;

const FIXED = PARSE.replace('parseInt(amount)', 'Number(amount)');

export const failingTest: Task = {
  name: 'failing-test',
  about: 'make a failing test pass, with its cause in another file',
  commits: [
    {
      message: 'Try jobs again later',
      files: {
        'package.json': `${JSON.stringify({ name: 'jobs', type: 'module', private: true, scripts: { test: 'node --test' } }, null, 2)}\n`,
        'src/duration.mjs': PARSE,
        'src/queue.mjs': QUEUE,
        'test/queue.test.mjs': TEST,
      },
    },
  ],
  turns: [
    {
      prompt:
        'One of the tests of this repository fails (`npm test`). Find out why, and fix the cause. Leave the tests as they are.',
      solution: [
        { run: 'node --test 2>&1 | tail -40' },
        { write: 'src/duration.mjs', text: FIXED },
        { run: 'node --test 2>&1 | tail -12' },
      ],
      // Makes the test pass, and nothing else.
      spoilt: [
        {
          write: 'src/duration.mjs',
          text: PARSE.replace('parseInt(amount)', "(amount === '1.5' ? 1.5 : parseInt(amount))"),
        },
      ],
    },
  ],
  async check(left) {
    await left.put('test/queue.test.mjs', TEST);
    const tests = await left.run('node --test 2>&1');
    assert.equal(tests.exitCode, 0, `the tests fail:\n${tests.output.slice(-500)}`);
    const texts = Array.from(
      { length: 20 },
      () => `${Math.floor(Math.random() * 900)}.${Math.ceil(Math.random() * 8)}5m 2.5 s`,
    );
    await left.put(
      '/tmp/check/durations.mjs',
      `import { parseDuration } from '/tmp/check/copy/src/duration.mjs';
       const or = (text) => { try { return parseDuration(text); } catch (error) { return error.name; } };
       console.log(JSON.stringify([...${JSON.stringify(texts)}, '1h 30m', '250ms', 'soon', '1h?', ''].map(or)));`,
    );
    const expected = texts.map((text) => Number.parseFloat(text) * 60_000 + 2500);
    const got = JSON.parse(await left.print('node /tmp/check/durations.mjs')) as unknown[];
    const rounded = got.map((value) => (typeof value === 'number' ? Math.round(value) : value));
    assert.deepEqual(
      rounded,
      [...expected.map(Math.round), 5_400_000, 250, 'RangeError', 'RangeError', 'RangeError'],
      'other durations are wrong',
    );
  },
};
