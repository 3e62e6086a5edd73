import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

/** Reports each module that is loaded, on standard error. */
const HOOKS = `
  import { registerHooks } from 'node:module';
  import { writeSync } from 'node:fs';
  registerHooks({ load: (url, context, next) => (writeSync(2, url + '\\n'), next(url, context)) });
`;

/** Packages that a command loads, in order of their names. */
function packagesOf(...args: string[]): string[] {
  const hooks = `data:text/javascript,${encodeURIComponent(HOOKS)}`;
  const main = join(import.meta.dirname, 'main.ts');
  const { stderr } = spawnSync(process.execPath, ['--import', hooks, main, ...args], {
    encoding: 'utf8',
    // Nobody serves port 1, so that a command which needs the service ends when it has loaded what it connects with.
    env: { ...process.env, BOBBIN_DATA_DIR: '/nowhere/bobbin', TEMPORAL_ADDRESS: '127.0.0.1:1' },
  });
  return [...new Set([...stderr.matchAll(/node_modules\/((?:@[^/]+\/)?[^/\s]+)/g)].map(([, name]) => name!))].sort();
}

test('help loads what parses and prints, and nothing else', () => {
  const needed = ['commander', 'fast-string-truncated-width', 'fast-string-width', 'picocolors'];
  expect(packagesOf('--help')).toEqual(needed);
});

test('a command of the client loads neither the worker nor a model provider', () => {
  const loaded = packagesOf('thread', 'list');
  expect(loaded).toContain('@temporalio/client');
  expect(loaded.filter((name) => /^(ai|@ai-sdk\/.*|@modelcontextprotocol\/.*|webpack|@swc\/.*)$/.test(name))).toEqual(
    [],
  );
  expect(loaded).not.toContain('@temporalio/worker');
});
