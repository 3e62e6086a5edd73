/** The operator's own way to run commands, held to what a thread relies on. */
import { z } from 'zod';
import { Failure } from '../../../activities/failures.ts';
import type { CommandPort, CommandReport } from '../../../activities/ports.ts';
import { createOutputWindow } from '../../adapters/shell/output/output-window.ts';
import { toMessage } from './tools.ts';
import { GRACE_MS, runWithinLimits } from './within-limits.ts';

/**
 * Runs the commands of threads instead of the sandbox on this machine, for example in containers. `run` must end every
 * process of the command when its signal fires, and say by `gone` whether it knows that none is left.
 */
export type OwnSandbox = CommandPort;

export const SANDBOX_METHODS = ['run', 'clean', 'forget', 'sandbox'] as const satisfies (keyof CommandPort)[];

/** Beyond the timeout of a command, which `run` itself keeps. */
const LATE_MS = 10_000;

const ReportSchema = z.object({
  outcome: z.enum(['exited', 'timedOut', 'aborted']),
  exitCode: z.int().nullable(),
  output: z.string(),
  outputBytes: z.int().min(0),
  truncated: z.boolean(),
  durationMs: z.number().min(0),
  gone: z.boolean(),
  killed: z.int().min(0).exactOptional(),
});

/** @param log logs a line for the operator */
export function withinPromises(sandbox: OwnSandbox, log: (line: string) => void): CommandPort {
  return {
    clean: (workspace, commandIds) => sandbox.clean(workspace, commandIds),
    forget: (threadId) => sandbox.forget(threadId),
    sandbox: () => sandbox.sandbox(),
    async run(spec, { signal, onOutput }) {
      const startedAt = performance.now();
      const timeoutMs = spec.timeoutMs + LATE_MS;
      const end = await runWithinLimits((own) => sandbox.run(spec, { signal: own, onOutput }), { signal, timeoutMs });
      switch (end.type) {
        case 'returned':
          return readReport(end.value, spec.maxOutputBytes);
        case 'threw':
          if (end.error instanceof Failure) throw end.error;
          throw new Failure('commandNotStarted', `The sandbox of this worker failed: ${toMessage(end.error)}`, {
            cause: end.error,
          });
        case 'timedOut':
        case 'stopped': {
          if (end.left)
            log(
              `The sandbox has not ended command ${spec.commandId} ${GRACE_MS} ms after it was told to; it may still run`,
            );
          return {
            ...{ outcome: end.type === 'stopped' ? 'aborted' : 'timedOut', exitCode: null, gone: false },
            ...{ output: 'The sandbox did not say how the command ended.', outputBytes: 0, truncated: false },
            durationMs: Math.round(performance.now() - startedAt),
          } satisfies CommandReport;
        }
      }
    },
  };
}

function readReport(value: CommandReport, maxOutputBytes: number): CommandReport {
  const parsed = ReportSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const problem = `${issue?.path.join('.') || 'the report'}: ${issue?.message ?? ''}`;
    throw new Failure('commandNotStarted', `The sandbox of this worker returned what cannot be used: ${problem}`);
  }
  const window = createOutputWindow(maxOutputBytes);
  window.push(Buffer.from(parsed.data.output));
  const { output, truncated } = window.text();
  return { ...parsed.data, output, truncated: truncated || parsed.data.truncated };
}
