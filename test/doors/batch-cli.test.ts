/** `bobbin batch`, as a process, on the real service. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeRepository } from '../parts/repositories.ts';
import { startCli } from '../parts/run-cli.ts';
import { type TestEnvironment, openEnvironment } from '../environment.ts';

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await openEnvironment();
});
afterAll(() => environment.close());

const makeTarget = (name: string) =>
  makeRepository(join(environment.data, '..', name), {
    'a.ts': 'one\n// TODO: two\n',
    'logo.bin': Buffer.from([0, 1]),
  });
const start = (cwd: string, ...args: string[]) => startCli(['batch', ...args], { cwd, env: environment.env });
const batch = (cwd: string, ...args: string[]) => start(cwd, ...args).ended;

it('runs to its end, writes reports, and ends with 7 for what counts; show, rows and list tell of it later', async () => {
  const cwd = makeTarget('found');
  const run = await batch(
    cwd,
    'run',
    '--repository',
    '.',
    '--id',
    'found',
    '--report',
    'r.html',
    'r.sarif',
    '--fail-on',
    'P3',
  );
  expect(run).toMatchObject({ code: 7, stderr: expect.stringContaining('wrote r.sarif\n') as string });
  expect(run.stdout).toMatch(/ {2}reviewed {5}.*found: 1 new, 0 still there.*, 1 open in total/);
  expect(run.stdout).toMatch(/; 1 file was not looked at: logo\.bin \(binary\)$/m);
  expect(run.stdout).toMatch(/findings: 1 new, .*; 1 open in total$/m);
  expect(JSON.parse(readFileSync(join(cwd, 'r.sarif'), 'utf8'))).toMatchObject({ version: '2.1.0' });
  expect(readFileSync(join(cwd, 'r.html'), 'utf8')).toContain('// TODO: two');

  const shown = await batch(cwd, 'show', 'found', '--json');
  expect(JSON.parse(shown.stdout)).toMatchObject({ batchId: 'found', status: 'completed', findings: { new: 1 } });
  const rows = await batch(cwd, 'rows', 'found', '--json');
  expect(JSON.parse(rows.stdout)).toMatchObject([{ outcome: { status: 'reviewed' } }]);
  const again = await batch(cwd, 'run', '--repository', '.', '--full-pass');
  expect(again.stdout).toMatch(/ {2}reviewed .*0 new, 1 still there.*\(everything of /);
  await expect
    .poll(async () => (await batch(cwd, 'list', '--limit', '1000')).stdout, { timeout: 60_000 })
    .toMatch(/^found {2}COMPLETED/m);
  expect(await batch(cwd, 'run', '--repository', '.', '--id', 'found')).toMatchObject({ code: 6 });
});

it('ends with 3 where a target failed, with 2 for what cannot be, and with 6 for one that is not there', async () => {
  const cwd = makeTarget('failing');
  const failing = await batch(cwd, 'run', '--repository', '.', '--repository', './nowhere', '--json');
  expect(failing.code).toBe(3);
  expect(JSON.parse(failing.stdout)).toMatchObject({ counts: { reviewed: 1, failed: 1 } });
  for (const wrong of [[], ['--repository', '.', '--report', 'r.txt'], ['--repository', 'https://a:b@c.invalid/d']])
    expect(await batch(cwd, 'run', ...wrong)).toMatchObject({ code: 2 });
  expect(await batch(cwd, 'show', 'none')).toMatchObject({
    ...{ code: 6, stderr: expect.stringMatching(/\nto list the batches: .* batch list\n/) as string },
  });
});

it('is stopped by Ctrl-C, with what is done told, and by the command for it', async () => {
  const cwd = makeTarget('slow');
  const slow = ['run', '--repository', '.', '--instructions', 'stream: 10000 20'];
  const running = start(cwd, ...slow, '--id', 'slow');
  await environment.model.waitForRequest(({ body }) => JSON.stringify(body).includes('slow/0'));
  running.child.kill('SIGINT');
  expect(await running.ended).toMatchObject({
    ...{ code: 130, stdout: expect.stringContaining('slow: cancelled') as string },
  });

  expect(await batch(cwd, ...slow, '--id', 'again', '--detach')).toMatchObject({ code: 0, stdout: 'again\n' });
  await environment.model.waitForRequest(({ body }) => JSON.stringify(body).includes('again/0'));
  expect(await batch(cwd, 'cancel', 'again')).toMatchObject({ code: 0 });
  expect((await environment.bobbin.batches.get('again').follow()).status).toBe('cancelled');
});
