import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { toRules } from '../../src/dev/model-server/rules.ts';
import { withRules } from './rules.ts';
import { gitIn, setUp } from './set-up.ts';
import { TASKS } from './index.ts';

describe('the tasks', () => {
  it('have their own names, and each has a spoilt solution', () => {
    expect(new Set(TASKS.map(({ name }) => name)).size).toBe(TASKS.length);
    for (const { turns } of TASKS) expect(turns.some(({ spoilt }) => spoilt !== undefined)).toBe(true);
  });

  it.each(TASKS.map((task) => [task.name, task] as const))(
    '%s asks for nothing that the offline model would take for a rule',
    (_, { turns }) => {
      for (const { prompt, solution, spoilt = [] } of turns) {
        expect(toRules(prompt)).toEqual([]);
        expect(toRules(withRules(prompt, solution))).toHaveLength(solution.length);
        expect(toRules(withRules(prompt, spoilt))).toHaveLength(spoilt.length);
      }
    },
  );

  it('have the same commits every time', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tasks-'));
    try {
      const task = TASKS.find(({ name }) => name === 'merge-conflict')!;
      const made = ['one', 'two'].map((name) => {
        setUp(task, join(folder, name));
        return gitIn(join(folder, name))('log', '--all', '--format=%H %cI %s');
      });
      expect(made[0]).toBe(made[1]);
      expect(made[0]?.trim().split('\n')).toHaveLength(3);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
