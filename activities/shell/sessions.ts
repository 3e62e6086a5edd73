/** Commands that `exec_command` has left running: looking at one, and waiting for the end of all. */
import { Context } from '@temporalio/activity';
import { toItemId } from '../../src/contract/plain/item-ids.ts';
import type {
  CommandProgress,
  EndedSession,
  OpenSession,
  SessionTail,
  SessionsProgress,
  SessionsStep,
  WriteStep,
  WriteStepResult,
} from '../contract.ts';
import { Failure } from '../failures.ts';
import type { CommandIo, CommandReport, Ports } from '../ports.ts';
import { runStep } from '../step.ts';
import { toLimits } from './exec-command.ts';

/** UTF-16 units of the end of an output that the history keeps. */
const TAIL_CHARS = 2_000;
const NEVER = new AbortController().signal;

/** Sends input to a command, and looks at it. The command continues if the step is stopped. */
export async function writeStdin(ports: Ports, input: WriteStep): Promise<WriteStepResult> {
  const { session, threadId, actionId, index, chars } = input;
  const id = `${Context.current().info.workflowExecution?.runId} ${actionId}`;
  const poll = { id, isFirst: false, chars, ...toLimits(ports, input) };
  const first: CommandProgress = { type: 'command', itemId: toItemId(index), output: '', chars: 0 };
  return runStep<CommandProgress, WriteStepResult>({ ...ports, ...input }, first, async (step) => {
    const { whole, ...report } = await follow(ports, threadId, session, {
      signal: NEVER,
      lasting: { key: session.key, leave: step.signal, poll },
      onOutput: ({ text, chars: length }) => (step.progress = { ...step.progress, output: text, chars: length }),
    });
    return report.outcome === 'yielded' ? report : { ...report, tail: tailOf(whole ?? report.output) };
  });
}

/** Long intervals, because nobody waits for its stop. Its output is for people. */
const BEATS = { heartbeatEveryMs: 1_000, quietMs: 5_000 };

/**
 * Waits for the end of commands. It is let go when others are to be waited for, or when its run continues as new; they
 * are stopped only if their thread has ended without doing so, for example because its workflow was terminated or reset.
 */
export async function awaitSessions(
  ports: Ports,
  input: SessionsStep,
): Promise<{ ended: EndedSession[] } | { type: 'aborted' }> {
  const context = Context.current();
  const place = { ...ports, ...input, ...BEATS, maxTries: Infinity };
  const first: SessionsProgress = { type: 'sessions', sessions: [] };
  return runStep<SessionsProgress, { ended: EndedSession[] }>(place, first, async (step) => {
    const { signal } = step;
    const [stop, leave] = [new AbortController(), new AbortController()];
    signal.addEventListener('abort', () => {
      const letGo = () => leave.abort(signal.reason);
      void runIsGone(ports, context).then((isGone) => (isGone ? stop.abort() : letGo()), letGo);
    });
    const show = (tail: SessionTail): void => {
      const others = step.progress.sessions.filter(({ id }) => id !== tail.id);
      step.progress = { type: 'sessions', sessions: [...others, tail] };
    };
    const ended: EndedSession[] = [];
    const ends = input.sessions.map(async (session): Promise<void> => {
      const io: Required<CommandIo> = {
        signal: stop.signal,
        lasting: { key: session.key, leave: leave.signal },
        onOutput: ({ text: output, chars }) => show({ id: session.id, output, chars }),
      };
      const report = await endOf(ports, input.threadId, session, io);
      ended.push({ id: session.id, report });
    });
    // The others are waited for by the next step.
    await Promise.race(ends).finally(() => leave.abort(new Error('one has ended')));
    await Promise.allSettled(ends);
    return { ended };
  });
}

/**
 * Whether the service has said so; not if this step alone was stopped. A run that was reset is gone, too: the one that
 * replaces it may know nothing of its sessions.
 */
async function runIsGone(ports: Ports, { cancellationDetails, info }: Context): Promise<boolean> {
  const { notFound, timedOut } = cancellationDetails ?? {};
  const { workflowExecution } = info;
  if ((notFound !== true && timedOut !== true) || workflowExecution === undefined) return false;
  return !(await ports.threads.continues(workflowExecution));
}

/** Null if nobody has seen it. Rejects with the reason of `leave` of `io`. */
async function endOf(
  ports: Ports,
  threadId: string,
  session: OpenSession,
  io: Required<CommandIo>,
): Promise<EndedSession['report']> {
  try {
    const { whole: _, ...report } = await follow(ports, threadId, session, io);
    return { ...report, output: tailOf(report.output) };
  } catch (error) {
    if (error instanceof Failure && error.code === 'commandLost') return null;
    throw error;
  }
}

async function follow(
  ports: Ports,
  threadId: string,
  { key, commandId }: OpenSession,
  io: Required<CommandIo>,
): Promise<CommandReport> {
  if (ports.commands.attach === undefined)
    throw new Failure('commandLost', 'The worker of this thread cannot find commands that were left running.');
  return ports.commands.attach({ key, threadId, commandId }, io);
}

function tailOf(output: string): string {
  return output.slice(-TAIL_CHARS).toWellFormed();
}
