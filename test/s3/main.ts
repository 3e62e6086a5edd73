/** Tests of the store in a bucket, as a command: `node test/s3/main.ts [files and options of vitest]`. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { obtainS3Server } from './server.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const say = (line: string) => process.stdout.write(`${line}\n`);

const server = await obtainS3Server(say);
if ('program' in server) {
  const given = process.argv.slice(2);
  const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--project', 'system'];
  const files = given.some((word) => !word.startsWith('-')) ? [] : ['src/adapters/store'];
  const run = spawn(process.execPath, [...vitest, ...files, ...given], {
    ...{ cwd: ROOT, env: { ...process.env, S3_SERVER: server.program }, stdio: 'inherit' },
  });
  // An interrupt of the terminal reaches both. Vitest takes only that as a wish to end what it started.
  process.on('SIGINT', () => undefined).on('SIGTERM', () => run.kill('SIGINT'));
  const [code] = (await once(run, 'exit')) as [number | null];
  process.exitCode = code ?? 1;
} else {
  say(`Skipped: ${server.problem}. docs/testing.md says what these tests need.`);
}
