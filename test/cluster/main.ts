/** Tests on a Temporal server with PostgreSQL, as a command: `node test/cluster/main.ts [files and options of vitest]`. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { obtainClusterPrograms, whyNoCluster } from './programs.ts';

/** What depends on how the service stores and finds: hosts, and what outlives a worker or the service. */
const FILES = [
  'test/cluster',
  'test/hosts',
  'test/kill/kill.test.ts',
  'test/threads/durability.test.ts',
  'test/threads/lost-worker.test.ts',
  'test/threads/resume.test.ts',
  'test/doors/thread-list.test.ts',
];
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const say = (line: string) => process.stdout.write(`${line}\n`);

const reason = whyNoCluster();
if (reason === null) {
  await obtainClusterPrograms(say);
  const given = process.argv.slice(2);
  const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--project', 'service'];
  const files = given.some((word) => !word.startsWith('-')) ? [] : FILES;
  const run = spawn(process.execPath, [...vitest, ...files, ...given], {
    ...{ cwd: ROOT, env: { ...process.env, CLUSTER: '1' }, stdio: 'inherit' },
  });
  // An interrupt of the terminal reaches both. Vitest takes only that as a wish to end what it started.
  process.on('SIGINT', () => undefined).on('SIGTERM', () => run.kill('SIGINT'));
  const [code] = (await once(run, 'exit')) as [number | null];
  process.exitCode = code ?? 1;
} else {
  say(`Skipped: ${reason}. docs/testing.md says what these tests need.`);
}
