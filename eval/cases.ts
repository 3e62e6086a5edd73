/** The cases of a run: each task and review, as often as asked for. */
import { randomBytes } from 'node:crypto';
import { type Options, UsageError } from './options.ts';
import type { Case } from './record.ts';
import { REVIEWS } from './reviews/list.ts';
import { TASKS } from './tasks/index.ts';

/** All first attempts come first, so that a run that is ended early has something about everything. */
export function toCases({ tasks, reviews, repeat }: Pick<Options, 'tasks' | 'reviews' | 'repeat'>): Case[] {
  const names = [
    ...choose(TASKS, tasks, 'task').map((name) => ['task', name] as const),
    ...choose(REVIEWS, reviews, 'review').map((name) => ['review', name] as const),
  ];
  const run = randomBytes(4).toString('hex');
  return Array.from({ length: repeat }, (_, index) => index + 1).flatMap((attempt) =>
    names.map(([kind, name]) => ({
      id: `${kind}/${name}/${attempt}`,
      ...{ kind, name, attempt },
      threadId: `${kind}-${name.replaceAll(/[^a-zA-Z0-9.-]+/g, '-')}-${attempt}-${run}`,
      ...{ prepared: false, begun: 0, result: null },
    })),
  );
}

function choose(all: readonly { name: string }[], asked: readonly string[] | 'all', what: string): string[] {
  const names = all.map(({ name }) => name);
  if (asked === 'all') return names;
  const unknown = asked.filter((name) => !names.includes(name));
  if (unknown.length > 0) throw new UsageError(`There is no ${what} ${unknown.join(', ')}. --list shows all names.`);
  return names.filter((name) => asked.includes(name));
}
