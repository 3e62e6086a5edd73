/** `bobbin worker`: runs one worker on the configured service until Ctrl-C. */
import { spawn } from 'node:child_process';
import type { Command } from 'commander';
import { programFile } from '../../../folders/program-files.ts';
import { type CommonOptions, dataDirectoryOf, runCommand, runningStack } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import type { Output } from '../text/output.ts';

export function addWorkerCommand(program: Command): void {
  program
    .command('worker')
    .description(
      'run one worker on the service that TEMPORAL_ADDRESS or a Temporal profile names, or on the running stack',
    )
    .option('--data-dir <path>', 'where the worker stores its data (default: your data folder)')
    .addHelpText(
      'after',
      '\nExample:\n  TEMPORAL_ADDRESS=temporal:7233 bobbin worker\n\ndocs/configuration.md lists the environment variables.',
    )
    .action((options: CommonOptions) => runCommand(options, (output) => worker(options, output)));
}

async function worker(options: CommonOptions, output: Output): Promise<number> {
  const { connectTarget } = await import('../../../dev/temporal-service/run/connect-target.ts');
  const { joiningEnvironment } = await import('../../../dev/worker-settings.ts');
  const dataDirectory = dataDirectoryOf(options);
  const own = connectTarget(process.env) === undefined ? await runningStack(options) : undefined;
  if (own !== undefined) output.progress(`joins the stack of process ${own.pid}, with the service at ${own.address}`);
  const env = {
    ...(own === undefined ? process.env : joiningEnvironment(process.env, own)),
    BOBBIN_DATA_DIR: dataDirectory,
  };
  // In the same process group: Ctrl-C reaches the worker directly, and this command waits until it has drained.
  const child = spawn(process.execPath, [programFile('worker')], { env, stdio: 'inherit' });
  const ignore = () => undefined;
  process.on('SIGINT', ignore).on('SIGTERM', () => child.kill('SIGTERM'));
  const code = await new Promise<number | null>((resolve, reject) => child.once('exit', resolve).once('error', reject));
  return code === 0 ? EXIT.ok : EXIT.failure;
}
