import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readVariable } from './variables.ts';

it('counts an empty variable as not set', () => {
  const env = { SET: ' x ', EMPTY: '', BLANK: ' ' };
  const names = ['SET', 'EMPTY', 'BLANK', 'MISSING'];
  expect(names.map((name) => readVariable(env, name))).toEqual(['x', undefined, undefined, undefined]);
});

it('is what reads the variables of the configuration: no file takes them from the environment itself', () => {
  const source = join(import.meta.dirname, '..');
  const files = (readdirSync(source, { recursive: true }) as string[]).filter((file) =>
    /(?<!\.test|\.d)\.ts$/.test(file),
  );
  expect(files.length).toBeGreaterThan(500);
  const direct = /\benv(\??\.|(\?\.)?\[')(BOBBIN|TEMPORAL|OPENAI)_/;
  const offenders = files.filter((file) => direct.test(readFileSync(join(source, file), 'utf8')));
  expect(offenders).toEqual([]);
});
