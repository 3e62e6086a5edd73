/** What the unit tests of a thread use of vitest, for tests that are loaded once and run thousands of times. */
import { format } from 'node:util';
// By its path: this file takes the place of the package.
import { expect } from '../../node_modules/vitest/dist/index.js';

type Test = () => unknown;

export const tests = new Map<string, Test>();
export { expect };

const path: string[] = [];

function add(name: string, test: Test): void {
  const words = [...path, name].join(' > ');
  let id = words;
  for (let number = 2; tests.has(id); number++) id = `${words} (${number})`;
  tests.set(id, test);
}

function describeAll(name: string, body: Test): void {
  path.push(name);
  body();
  path.pop();
}

/** As vitest does: `%s` and its kind stand for the arguments, `$name` for a property of the first. */
function toName(name: string, args: readonly unknown[]): string {
  const [first] = args;
  const named = name.replaceAll(/\$([a-z]\w*)/giu, (all, key: string) =>
    typeof first === 'object' && first !== null && key in first ? String((first as Record<string, unknown>)[key]) : all,
  );
  return format(named, ...args.slice(0, named.split('%').length - 1));
}

const eachOf =
  (take: (name: string, body: Test) => void) =>
  (rows: readonly unknown[]) =>
  (name: string, body: (...args: unknown[]) => unknown) => {
    for (const row of rows) {
      const args: unknown[] = Array.isArray(row) ? row : [row];
      take(toName(name, args), () => body(...args));
    }
  };

export const describe = Object.assign(describeAll, { each: eachOf(describeAll) });
export const it = Object.assign(add, { each: eachOf(add) });
export const test = it;

/** @returns the message of the failure, null if there is none. */
export async function tryTest(run: Test): Promise<string | null> {
  try {
    await run();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
