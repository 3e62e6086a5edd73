/** `bobbin host ...`: shows, drains, cleans and forgets the hosts of a task queue. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import type { Bobbin } from '../../../client/index.ts';
import type { HostView } from '../../../contract/index.ts';
import { plural } from '../../../contract/plain/plural.ts';
import { type CommonOptions, dataDirectoryOf, interruptSignal, withBobbin } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { natural } from '../option-values.ts';
import { describeAge } from '../text/durations.ts';
import type { Output } from '../text/output.ts';
import { line } from '../text/terminal-text.ts';

type Body<O> = (bobbin: Bobbin, output: Output, hostId: string, options: O) => Promise<number>;

export function addHostCommands(program: Command): void {
  const host = program.command('host').description('show, drain, clean and forget the hosts of the task queue');
  const command = <O extends object>(name: string, description: string, example: string, body: Body<O>): Command =>
    host
      .command(name)
      .description(description)
      .option('--data-dir <path>', 'data folder of the stack to use (default: yours)')
      .option('--json', 'print JSON instead of text')
      .addHelpText('after', `\nExample:\n  bobbin host ${example}`)
      .action((...given: unknown[]) => {
        const self = given.at(-1) as Command;
        const options = self.opts<O & CommonOptions>();
        return withBobbin(options, (bobbin, output) => body(bobbin, output, self.args[0] ?? '', options));
      });
  command('list', 'list the hosts, and whether a worker serves each', 'list', list);
  command('show', 'show the machine of a host, its status and its steps', 'show build-1', show).argument('<host>');
  command<DrainOptions>(
    'drain',
    'let a host take no new threads, and wait until it runs no step',
    'drain build-1 --wait 60',
    drain,
  )
    .argument('<host>')
    .option('--wait <seconds>', 'how long to wait at most', natural, 600)
    .option('--undo', 'let it take new threads again');
  command<CleanOptions>(
    'clean',
    'remove the clones on this machine whose threads are closed',
    'clean --closed-for 7',
    clean,
  )
    .option('--closed-for <days>', 'how long a closed thread keeps its files', natural, 30)
    .option('--dry-run', 'only show what would be removed');
  command('forget', 'end the registration of a host that is gone for good', 'forget build-1', forget).argument(
    '<host>',
  );
}

interface DrainOptions {
  wait: number;
  undo?: boolean;
}

async function list(bobbin: Bobbin, output: Output): Promise<number> {
  const hosts = await bobbin.hosts.list();
  const rows = hosts.map((host) => line`${host.hostId}  ${statusOf(host)}  on ${host.machine.name}`);
  output.result(hosts, rows.length === 0 ? ['no host has registered'] : rows);
  return EXIT.ok;
}

async function show(bobbin: Bobbin, output: Output, hostId: string): Promise<number> {
  const host = await bobbin.hosts.show(hostId);
  const steps = await bobbin.hosts.steps(hostId);
  output.result({ ...host, steps }, [
    `host        ${host.hostId}: ${statusOf(host)}`,
    line`machine     ${host.machine.name}`,
    `registered  ${describeAge(Date.now() - host.since)} ago`,
    ...(steps === null ? [] : [`runs        ${plural(steps, 'step')}, as of the last seconds`]),
  ]);
  return EXIT.ok;
}

/** As long as a worker takes to report what it runs. */
const LOOK_EVERY_MS = 1_000;

export async function drain(
  bobbin: Bobbin,
  output: Output,
  hostId: string,
  { wait, undo }: DrainOptions,
): Promise<number> {
  const host = await bobbin.hosts.drain(hostId, undo !== true);
  if (undo === true) {
    output.result(host, [`host ${hostId} takes new threads`]);
    return EXIT.ok;
  }
  const signal = interruptSignal();
  const { steps, moved, busy, staying } = await untilLeft(bobbin, hostId, Date.now() + wait * 1_000, signal);
  const still = steps === null ? 'the service does not say what it runs' : `it runs ${plural(steps, 'step')}`;
  output.result({ ...host, steps, moved, busy, staying }, [
    `host ${hostId} takes no new threads; ${still}`,
    ...moved.map((threadId) => line`moved ${threadId} to another host`),
    ...busy.map((threadId) => line`${threadId} is still busy there`),
    ...staying.map(({ threadId, reason }) => line`${threadId} stays there: ${reason}`),
  ]);
  if (signal.aborted) return EXIT.interrupted;
  return (steps === 0 && busy.length === 0) || host.status === 'away' ? EXIT.ok : EXIT.failure;
}

type Left = Awaited<ReturnType<Bobbin['hosts']['leave']>> & { steps: number | null };

/** Until its threads in clones have moved, and it runs no step. Other threads stay with their folders. */
async function untilLeft(bobbin: Bobbin, hostId: string, until: number, signal: AbortSignal): Promise<Left> {
  const all = await bobbin.hosts.leave(hostId);
  for (;;) {
    const steps = await bobbin.hosts.steps(hostId);
    const isLeft = all.busy.length === 0 && (steps === null || steps === 0);
    if (isLeft || Date.now() >= until || signal.aborted) return { ...all, steps };
    await delay(LOOK_EVERY_MS, null, { signal }).catch(() => null);
    const { moved, busy, staying } = await bobbin.hosts.leave(hostId, all.busy);
    all.moved.push(...moved);
    all.staying.push(...staying);
    all.busy = busy;
  }
}

interface CleanOptions extends CommonOptions {
  closedFor: number;
  dryRun?: boolean;
}

const DAY_MS = 86_400_000;

export async function clean(bobbin: Bobbin, output: Output, _host: string, options: CleanOptions): Promise<number> {
  const { cleanClosedClones } = await import('../../../dev/clean-clones.ts');
  const { closedFor, dryRun: preview = false } = options;
  const signal = interruptSignal();
  const place = { env: process.env, dataDirectory: dataDirectoryOf(options) };
  const cleaned = await cleanClosedClones(
    await bobbin.threadFolders(),
    { ...place, keepMs: closedFor * DAY_MS, preview },
    signal,
  );
  const rows = cleaned.map(({ folder, threadId, kept }) =>
    kept === null
      ? line`${preview ? 'would remove' : 'removed'} ${folder} of thread ${threadId}`
      : line`kept ${folder} of thread ${threadId}: ${kept}`,
  );
  output.result(cleaned, rows.length === 0 ? ['there are no clones on this machine'] : rows);
  return signal.aborted ? EXIT.interrupted : EXIT.ok;
}

async function forget(bobbin: Bobbin, output: Output, hostId: string): Promise<number> {
  await bobbin.hosts.forget(hostId);
  output.result({ hostId }, [`host ${hostId} is forgotten`]);
  return EXIT.ok;
}

function statusOf({ status, seenAt, draining }: HostView): string {
  if (status !== 'away') return status;
  const seen = seenAt === null ? 'away' : `away, seen ${describeAge(Date.now() - seenAt)} ago`;
  return draining ? `${seen}, draining` : seen;
}
