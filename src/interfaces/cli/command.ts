/**
 * Shared by all commands: finding the service, running a body, turning its errors into an exit code. Large modules are
 * loaded when they are used, so that `--help` and usage errors answer at once.
 */
import { BobbinError } from '../../client/bobbin-error.ts';
import type { Bobbin, ImageArchive } from '../../client/index.ts';
import { type DevState, readDevState } from '../../dev/dev-state.ts';
import { isAlive } from '../../folders/process-mark.ts';
import { dataDirectory } from '../../folders/folders.ts';
import { explainError } from '../../folders/working-folder.ts';
import { adviceFor } from './advice.ts';
import { asStarted } from './invocation.ts';
import { threadOfRunning, usageOfRunning } from './usage.ts';
import { watchOutput } from './closed-output.ts';
import { EXIT, exitCodeOfError } from './exit-codes.ts';
import { connectPatiently } from './patient-connection.ts';
import { type Output, createOutput } from './text/output.ts';
import { readVariable } from '../../folders/variables.ts';

export interface CommonOptions {
  json?: boolean;
  dataDir?: string;
}

export function dataDirectoryOf(options: CommonOptions): string {
  return dataDirectory(process.env, options.dataDir);
}

/** Runs a command's body with a client, and sets the exit code. */
export function withBobbin(
  options: CommonOptions,
  body: (bobbin: Bobbin, output: Output) => Promise<number>,
): Promise<void> {
  return runCommand(options, async (output) => {
    const bobbin = await connect(options);
    try {
      return await body(bobbin, output);
    } finally {
      await bobbin.close();
    }
  });
}

export async function runCommand(options: CommonOptions, body: (output: Output) => Promise<number>): Promise<void> {
  const output = createOutput({ json: options.json ?? false });
  try {
    process.exitCode = await body(output);
  } catch (error) {
    process.exitCode = error === INTERRUPTED ? EXIT.interrupted : reportError(error, output);
  }
}

function reportError(error: unknown, output: Output): number {
  const message = explainError(error);
  if (!(error instanceof BobbinError)) {
    output.fail({ code: 'internal', message });
    return EXIT.failure;
  }
  const { code } = error;
  const exit = exitCodeOfError(code);
  const used = exit === EXIT.usage ? usageOfRunning(error) : undefined;
  const named = used === undefined || used.name === '' ? message : `${used.name}: ${message}`;
  const advice = adviceFor(code, threadOfRunning());
  output.fail({ code, message: named }, used?.usage ?? (advice === undefined ? [] : [advice]));
  return exit;
}

/** The service that the environment or a profile names, else the stack that runs on this data directory. */
export async function connect(options: CommonOptions): Promise<Bobbin> {
  const { connectTarget } = await import('../../dev/temporal-service/run/connect-target.ts');
  const target = connectTarget(process.env);
  const taskQueue = readVariable(process.env, 'BOBBIN_TASK_QUEUE');
  const archive = archiveIn(dataDirectoryOf(options));
  if (target !== undefined) {
    return connectPatiently({
      archive,
      connection: target.connectionOptions,
      namespace: target.namespace,
      ...(taskQueue === undefined ? {} : { taskQueue }),
    });
  }
  const running = await runningStack(options);
  return connectPatiently({
    archive,
    connection: { address: running.address },
    namespace: running.namespace,
    taskQueue: taskQueue ?? running.taskQueue,
  });
}

/** Opened when it is used, because its modules are large. */
export function archiveIn(data: string): ImageArchive {
  let opened: Promise<ImageArchive> | undefined;
  const open = (): Promise<ImageArchive> =>
    (opened ??= import('../../dev/door-archive.ts').then(({ openDoorArchive }) => openDoorArchive(process.env, data)));
  return { write: async (id, body) => (await open()).write(id, body), read: async (id) => (await open()).read(id) };
}

/** The stack that this person runs on the data folder. Rejects with `serviceUnavailable` if there is none. */
export async function runningStack(options: CommonOptions): Promise<NonNullable<DevState['running']>> {
  const where = dataDirectoryOf(options);
  const { running } = readDevState(where);
  // Another process may have the id by now, and another service the port.
  if (running === null || !(await isAlive(running))) {
    throw new BobbinError(
      'serviceUnavailable',
      `No Temporal service found: no stack is running on ${where}, and TEMPORAL_ADDRESS is not set. \`${asStarted('dev')}\` starts a stack.`,
    );
  }
  return running;
}

/** Under npm, one Ctrl-C arrives twice: from the terminal, and forwarded by npm. */
const ONE_KEY_PRESS_MS = 1_000;

/** The reason of the signal: a body that it ends need not catch it. */
const INTERRUPTED = new Error('interrupted');

/** Fires on the first Ctrl-C; a second one ends the process at once. */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  watchOutput();
  let first = 0;
  const onSignal = () => {
    if (controller.signal.aborted && Date.now() - first > ONE_KEY_PRESS_MS) process.exit(EXIT.interrupted);
    if (!controller.signal.aborted) first = Date.now();
    controller.abort(INTERRUPTED);
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return controller.signal;
}
