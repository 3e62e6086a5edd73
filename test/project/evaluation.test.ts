/** The harness of the evaluation, with the written solutions of the offline model instead of a real one. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LeftOptions, withLeft } from '../../eval/check/left.ts';
import { createCheckRunner } from '../../eval/check/runner.ts';
import type { Environment } from '../../eval/environment.ts';
import type { Case } from '../../eval/record.ts';
import type { ReviewCase } from '../../eval/reviews/list.ts';
import type { Unpack } from '../../eval/reviews/set-up.ts';
import { OFFLINE, runTask } from '../../eval/run-task.ts';
import { runReview } from '../../eval/run-review.ts';
import { TASKS } from '../../eval/tasks/index.ts';
import type { Task } from '../../eval/tasks/task.ts';
import { endsRun } from '../../eval/turn-outcome.ts';
import { type TestEnvironment, itemsOf, openEnvironment } from '../environment.ts';

let environment: TestEnvironment;
let root: string;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'evaluation-'));
  environment = await openEnvironment();
});
afterAll(async () => {
  await environment.close();
  rmSync(root, { recursive: true, force: true });
});

function harness(more: Partial<Environment> & { spoilt?: boolean } = {}): Environment {
  const { spoilt = false, ...rest } = more;
  return {
    bobbin: environment.bobbin,
    runner: createCheckRunner(root),
    options: { model: OFFLINE, effort: null, judge: null, spoilt },
    workspaces: join(root, 'work'),
    packages: join(root, 'packages'),
    save: () => Promise.resolve(),
    signal: new AbortController().signal,
    ...rest,
  };
}

let cases = 0;
function entry(kind: Case['kind'], name: string): Case {
  const threadId = `${kind}-${name}-${++cases}`;
  return { id: `${kind}/${name}/1`, kind, name, attempt: 1, threadId, prepared: false, begun: 0, result: null };
}

function taskOf(name: string) {
  return TASKS.find((task) => task.name === name)!;
}

describe('a task', () => {
  it.each(['failing-test', 'delegate'])('passes its solution and not a spoilt one: %s', async (name) => {
    const run = (spoilt: boolean) => runTask(harness({ spoilt }), taskOf(name), { entry: entry('task', name), usd: 1 });
    const [right, spoilt] = await Promise.all([run(false), run(true)]);
    expect(right).toMatchObject({ status: 'passed', reason: null, spent: { costMicroUsd: 0 } });
    expect(right.spent.modelCalls).toBeGreaterThan(1);
    expect(spoilt.status).toBe('failed');
  });

  it('that starts a server does so in a session, and fails where it is spoilt', async () => {
    const one = entry('task', 'server');
    const run = (spoilt: boolean) => {
      const what = { entry: spoilt ? entry('task', 'server') : one, usd: null };
      return runTask(harness({ spoilt }), taskOf('server'), what);
    };
    const [right, spoilt] = await Promise.all([run(false), run(true)]);
    expect(right).toMatchObject({ status: 'passed', reason: null });
    const session = (await itemsOf(environment.bobbin.threads.get(one.threadId), 'commandSession')).at(-1);
    // The fault of the server, seen by hand: it should be 404.
    const output = expect.stringMatching(/listening on 4870\r?\n[^]*a note that was removed: 200/) as string;
    expect(session).toMatchObject({ status: 'completed', exitCode: 0, output });
    expect(spoilt).toMatchObject({ status: 'failed', reason: expect.stringContaining('does not notice') as string });
  });

  it('continues in its thread after it was interrupted between two turns', async () => {
    const [task, one] = [taskOf('undo-half'), entry('task', 'undo-half')];
    const stop = new AbortController();
    const save = () => {
      if (one.begun === 2) stop.abort(new Error('interrupted'));
      return Promise.resolve();
    };
    const ended = runTask(harness({ save, signal: stop.signal }), task, { entry: one, usd: null });
    await expect(ended).rejects.toThrow('interrupted');

    expect(await runTask(harness(), task, { entry: one, usd: null })).toMatchObject({ status: 'passed' });
    const { turnCount } = await environment.bobbin.threads.get(one.threadId).view();
    expect(turnCount).toBe(2);
  });

  it('says nothing about the model if the key is wrong', async () => {
    const task: Task = { ...taskOf('failing-test'), turns: [{ prompt: 'status: 401', solution: [] }] };
    const result = await runTask(harness(), task, { entry: entry('task', 'key'), usd: null });
    expect(result).toMatchObject({ status: 'error', reason: expect.stringContaining('modelUnauthorized: ') as string });
    expect(endsRun(result)).toBe(true);
  });
});

describe('a review', () => {
  const LINES = Array.from({ length: 60 }, (_, line) => `line ${line + 1}`);
  const older = LINES.map((line, index) =>
    index === 9 ? `${line} // FIXME` : index === 49 ? `${line} // TODO` : line,
  );
  const unpack: Unpack = (which, into) => {
    const text = `${(which === 'newer' ? LINES : older).join('\n')}\n`;
    const files = {
      'src/a.js': text,
      'CHANGELOG.md': 'Fix line 10\n',
      'test/a.js': 'line 10\n',
      'lib/b.js': `${which}\n`,
    };
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(into, name)), { recursive: true });
      writeFileSync(join(into, name), content);
    }
    return Promise.resolve();
  };
  const review = (line: number): ReviewCase => ({
    ...{ name: 'own-1', registry: 'npm', package: 'own', fault: 'Line 10 is wrong.' },
    newer: { version: '2', hash: '' },
    older: { version: '1', hash: '' },
    places: [{ file: 'src/a.js', from: line, to: line }],
  });

  it('counts the finding at the place of the fault, and sees nothing that tells of the fix', async () => {
    const one = entry('review', 'own-1');
    const result = await runReview(harness(), review(10), { entry: one, usd: 1, source: unpack });
    // The offline reviewer names both lines.
    expect(result).toMatchObject({ status: 'passed', found: { hit: true, findings: 2, right: 1 } });
    expect(readdirSync(join(root, 'work', one.threadId)).sort()).toEqual(['.git', 'lib', 'src']);
  });

  it('counts no finding that a judge does not agree with', async () => {
    const judged = harness({ options: { model: OFFLINE, effort: null, judge: OFFLINE, spoilt: false } });
    const result = await runReview(judged, review(10), { entry: entry('review', 'own-1'), usd: 1, source: unpack });
    // The offline model answers neither yes nor no. It was asked about the one finding at the place.
    expect(result).toMatchObject({ status: 'failed', found: { hit: false, findings: 2, right: 0 } });
    expect(result.spent.modelCalls).toBeGreaterThan(2);
  });

  it('is refused if the list names a place that is not a part of the change', async () => {
    const run = runReview(harness(), review(30), { entry: entry('review', 'own-1'), usd: null, source: unpack });
    await expect(run).rejects.toThrow('Lines 30 to 30 of src/a.js are not a part of the change.');
  });
});

describe('a check', () => {
  it('looks at a copy in a sandbox, whatever the workspace holds', async () => {
    const [workspace, victim] = ['hostile', 'victim'].map((name) => join(root, name)) as [string, string];
    for (const folder of [workspace, victim]) mkdirSync(folder);
    symlinkSync(victim, join(workspace, 'out'));
    writeFileSync(join(workspace, 'a.mjs'), `import fs from 'node:fs'; fs.writeFileSync('${workspace}/b', '');`);
    const options: LeftOptions = {
      workspace,
      runner: createCheckRunner(root),
      items: [],
      signal: new AbortController().signal,
    };
    await withLeft(options, async (left) => {
      const put = left.put('out/planted', 'text');
      await expect(put).rejects.toThrow('cannot be written');
      await expect(left.print('node a.mjs')).rejects.toThrow('EROFS');
      await expect(left.print(`head -c 3000000 /dev/zero`)).rejects.toThrow('printed too much');
      expect(await left.print('cat a.mjs | wc -l; ls')).toBe('0\na.mjs\nout\n');
    });
    expect(readdirSync(victim)).toEqual([]);
    expect(readdirSync(workspace).sort()).toEqual(['a.mjs', 'out']);
  });
});
