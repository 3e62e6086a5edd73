/** The task port over the operator's own tasks. */
import { z } from 'zod';
import { Failure } from '../../../activities/failures.ts';
import type { TaskPort } from '../../../activities/ports.ts';
import { toMessage, toProgress } from './tools.ts';
import type { OwnTask } from './definitions.ts';
import { GRACE_MS, runWithinLimits } from './within-limits.ts';

const DEFAULT_TIMEOUT_MS = 600_000;
/** The state of a thread holds it. */
const MAX_STATE_CHARS = 100_000;
const MAX_MESSAGE_CHARS = 100_000;

const message = z
  .string()
  .transform((text) => text.toWellFormed())
  .optional();
const EndSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('next'), state: z.json(), message }),
  z.object({ type: z.literal('done'), message }),
]);

/** @param log logs a line for the operator */
export function createOwnTasks(tasks: readonly OwnTask[], log: (line: string) => void): TaskPort {
  const byName = new Map(tasks.map((task) => [task.name, task]));
  return {
    async run({ task: name, ...call }, { signal, onProgress }) {
      const task = byName.get(name);
      const place = `Step ${call.step} of task ${name} of thread ${call.threadId}`;
      if (task === undefined) throw unknown(name, [...byName.keys()]);
      const { timeoutMs = DEFAULT_TIMEOUT_MS } = task;
      const end = await runWithinLimits((own) => task.run({ ...call, signal: own, progress: toProgress(onProgress) }), {
        signal,
        timeoutMs,
      });
      switch (end.type) {
        case 'returned':
          return readEnd(end.value, place);
        case 'threw':
          throw toFailure(end.error, place);
        case 'timedOut':
        case 'stopped': {
          if (end.left) log(`${place} has not ended ${GRACE_MS} ms after it was told to, and may still run`);
          if (end.type === 'stopped' && end.left) return { type: 'left' };
          signal.throwIfAborted();
          const left = end.left ? ` It has not ended, and may still run in worker ${process.pid}.` : '';
          throw new Failure('taskFailed', `${place} took more than ${timeoutMs} ms and was told to stop.${left}`);
        }
      }
    },
  };
}

function unknown(name: string, known: string[]): Failure {
  const has = known.length === 0 ? 'It has none.' : `It has ${known.join(', ')}.`;
  return new Failure('taskUnknown', `The worker that took this step has no task named ${name}. ${has}`, {
    details: { task: name },
  });
}

function toFailure(error: unknown, place: string): Failure {
  if (error instanceof Failure && error.code.startsWith('task')) return error;
  return new Failure('taskFailed', `${place} failed: ${toMessage(error)}`, { cause: error });
}

function readEnd(value: unknown, place: string) {
  const refused = (why: string) => new Failure('taskFailed', `${place} returned what cannot be used: ${why}`);
  const read = safely(() => EndSchema.safeParse(value), refused);
  if (!read.success) {
    const [issue] = read.error.issues;
    throw refused(`${issue?.path.join('.') || 'its result'}: ${issue?.message ?? ''}`);
  }
  const { message: text = null, ...end } = read.data;
  if (text !== null && text.length > MAX_MESSAGE_CHARS)
    throw refused(`its message has ${text.length} characters, at most ${MAX_MESSAGE_CHARS} are taken`);
  if (end.type === 'done') return { ...end, message: text };
  const chars = safely(() => JSON.stringify(end.state).length, refused);
  if (chars > MAX_STATE_CHARS)
    throw refused(`its state has ${chars} characters as JSON, at most ${MAX_STATE_CHARS} are taken`);
  return { ...end, message: text };
}

/** A circle or a getter that throws is a fault of the result, too. */
function safely<T>(read: () => T, refused: (why: string) => Failure): T {
  try {
    return read();
  } catch (error) {
    throw refused(toMessage(error));
  }
}
