/** Runs one command. Never retried: an attempt without a report counts as lost. */
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { toItemId } from '../../src/contract/plain/item-ids.ts';
import type { CommandProgress, CommandStep, StoppedByWorker } from '../contract.ts';
import { Failure, type FailureCode } from '../failures.ts';
import { refuseOwnSettings } from '../files/own-settings.ts';
import { startBeating } from '../heartbeats.ts';
import type { CommandReport, Ports } from '../ports.ts';
import { isStopped } from '../step.ts';
import { toTemporal } from '../to-temporal.ts';

export async function execCommand(ports: Ports, input: CommandStep): Promise<CommandReport> {
  const context = Context.current();
  const local = ports.steps.enter(input.threadId, input.actionId);
  const signal = AbortSignal.any([context.cancellationSignal, local.signal]);
  let progress: CommandProgress = { type: 'command', itemId: toItemId(input.index), output: '', chars: 0 };
  const beats = startBeating(ports.heartbeatEveryMs, () => context.heartbeat(progress));
  try {
    // The person may have taken long to accept it.
    refuseOwnSettings(ports, input.workspace, input.sandbox);
    const report = await ports.commands.run(
      {
        commandId: input.actionId,
        threadId: input.threadId,
        command: input.command ?? (await readCommand(ports, input, signal)),
        cwd: input.cwd,
        workspace: input.workspace,
        ...(input.root === undefined ? {} : { root: input.root }),
        sandbox: { mode: input.sandbox, writableRoots: [], networkAccess: false },
        timeoutMs: input.timeoutMs,
        maxOutputBytes: ports.maxOutputBytes,
      },
      {
        signal,
        onOutput: ({ text, chars }) => (progress = { ...progress, output: text, chars }),
      },
    );
    if (report.outcome === 'aborted' && !isStopped(context, local.signal)) throw stoppedByWorker(input, report);
    return report;
  } catch (error) {
    throw toTemporal(error, true);
  } finally {
    beats.stop();
    local.release();
  }
}

function stoppedByWorker(input: CommandStep, report: CommandReport): ApplicationFailure {
  const type: FailureCode = 'commandStoppedByWorker';
  const details: StoppedByWorker = { output: report.output };
  const message = `Command ${input.actionId} was ended because its worker was told to stop.`;
  return ApplicationFailure.create({ message, type, nonRetryable: true, details: [details] });
}

async function readCommand(ports: Ports, input: CommandStep, signal: AbortSignal): Promise<string> {
  const { items, from } = await ports.threads.context(input.threadId, input.index, signal);
  const item = items[input.index - from];
  if (item?.type === 'commandExecution') return item.command;
  throw new Failure(
    'internal',
    `Item ${input.index} of thread ${input.threadId} is not the command of ${input.actionId}.`,
  );
}
