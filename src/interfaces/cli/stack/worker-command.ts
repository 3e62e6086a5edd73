/** `bobbin worker`: runs one worker on the configured service until Ctrl-C. */
import { spawn } from 'node:child_process';
import type { Command } from 'commander';
import { readDevState } from '../../../dev/dev-state.ts';
import { programFile } from '../../../folders/program-files.ts';
import { type CommonOptions, dataDirectoryOf, runCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';

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
    .action((options: CommonOptions) => runCommand(options, () => worker(options)));
}

async function worker(options: CommonOptions): Promise<number> {
  const { connectTarget } = await import('../../../dev/temporal-service/run/connect-target.ts');
  const dataDirectory = dataDirectoryOf(options);
  const { running } = readDevState(dataDirectory);
  const here = connectTarget(process.env) === undefined && running !== null;
  const env = {
    ...process.env,
    BOBBIN_DATA_DIR: dataDirectory,
    ...(here ? { TEMPORAL_ADDRESS: running.address, TEMPORAL_NAMESPACE: running.namespace } : {}),
  };
  // In the same process group: Ctrl-C reaches the worker directly, and this command waits until it has drained.
  const child = spawn(process.execPath, [programFile('worker')], { env, stdio: 'inherit' });
  const ignore = () => undefined;
  process.on('SIGINT', ignore).on('SIGTERM', () => child.kill('SIGTERM'));
  const code = await new Promise<number | null>((resolve, reject) => child.once('exit', resolve).once('error', reject));
  return code === 0 ? EXIT.ok : EXIT.failure;
}
