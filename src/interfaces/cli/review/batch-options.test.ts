import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BatchOptions, addBatchOptions, toBatch, toBatchChanges } from './batch-options.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bobbin-batch-options-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function parse(...args: string[]): BatchOptions {
  const command = addBatchOptions(new Command('run').exitOverride().configureOutput({ writeErr: () => undefined }));
  command.parse(args, { from: 'user' });
  return command.opts<BatchOptions>();
}

function file(content: unknown): string {
  const path = join(folder, `targets-${Math.random()}.json`);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

describe('the options of a batch', () => {
  it('give each repository the branch and the base behind it, and make paths absolute', async () => {
    const options = parse(
      ...['--repository', 'https://example.invalid/a.git', '--branch', 'next', '--base', 'main'],
      ...['--repository', '.', '--repository', 'git@example.invalid:b/c.git', '--base', 'v1'],
    );
    expect(await toBatch(options)).toEqual({
      targets: [
        { repository: 'https://example.invalid/a.git', branch: 'next', base: 'main' },
        { repository: process.cwd() },
        { repository: 'git@example.invalid:b/c.git', base: 'v1' },
      ],
    });
  });

  it('have a name for everything a batch may say', async () => {
    const options = parse(
      ...['--repository', '/r', '--concurrency', '8', '--per-minute', '30', '--model', 'm', '--instructions', 'i'],
      ...['--full-pass-every', '0', '--review-budget-tokens', '1000', '--review-budget-seconds', '1.5'],
      ...['--batch-budget-usd', '12.5', '--batch-budget-steps', '9'],
    );
    expect(await toBatch(options)).toEqual({
      targets: [{ repository: '/r' }],
      concurrency: 8,
      reviewsPerMinute: 30,
      budget: { review: { tokens: 1000, wallMs: 1500 }, batch: { costUsd: 12.5, steps: 9 } },
      model: 'm',
      instructions: 'i',
      fullPassEvery: 0,
    });
  });

  it('take targets from a file, its paths seen from its folder, and go before what it says', async () => {
    const list = file(['checkout', { repository: '../other', branch: 'next', base: null }]);
    expect(await toBatch(parse('--targets', list, '--repository', '/r'))).toEqual({
      targets: [
        { repository: join(folder, 'checkout') },
        { repository: join(folder, '../other'), branch: 'next' },
        { repository: '/r' },
      ],
    });
    const whole = file({ targets: ['/r'], concurrency: 2, model: 'm', budget: { review: { tokens: 5 } } });
    expect(await toBatch(parse('--targets', whole, '--concurrency', '3', '--batch-budget-tokens', '7'))).toEqual({
      targets: [{ repository: '/r' }],
      concurrency: 3,
      model: 'm',
      budget: { review: { tokens: 5 }, batch: { tokens: 7 } },
    });
  });

  it('say only what is named, for a change', async () => {
    expect(await toBatchChanges(parse('--concurrency', '3'))).toEqual({ concurrency: 3 });
    expect(await toBatchChanges(parse())).toEqual({});
  });

  it.each([
    [['--branch', 'next', '--repository', '/r'], 'must follow the --repository'],
    [['--repository', '/r', '--concurrency', 'many'], 'Expected a whole number'],
    [['--repository', '/r', '--concurrency', '-1'], 'Expected a whole number'],
  ])('refuse %j', (args, message) => {
    expect(() => parse(...args)).toThrow(CommanderError);
    expect(() => parse(...args)).toThrow(message);
  });

  it.each([
    ['no target', [], 'use --repository'],
    ['no reviews at a time', ['--repository', '/r', '--concurrency', '0'], 'concurrency'],
    ['a password in a URL', ['--repository', 'https://me:secret@example.invalid/a'], 'credential helper'],
    ['an amount that is no number', ['--repository', '/r', '--batch-budget-usd', 'x'], '--batch-budget-usd x'],
    ['a file that is not there', ['--targets', '/nowhere.json'], 'cannot be read'],
  ])('refuse %s', async (_what, args, message) => {
    await expect(toBatch(parse(...args))).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining(message) as string,
    });
  });

  it.each([
    ['{', 'is not JSON'],
    ['{"repositories": []}', 'expected a list of targets'],
    ['null', 'expected a list of targets'],
    ['[7]', 'targets.0'],
    ['[{"branch": "main"}]', 'targets.0.repository'],
    ['[]', 'use --repository'],
  ])('refuse a file that says %s', async (content, message) => {
    await expect(toBatch(parse('--targets', file(content)))).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining(message) as string,
    });
  });
});
