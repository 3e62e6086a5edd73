/** The events of a thread as a stream that can be continued at any server. */
import { z } from 'zod';
import { BobbinError } from '../../../client/bobbin-error.ts';
import type { ThreadHandle } from '../../../client/index.ts';
import { PASSING } from '../../../client/threads/event-stream.ts';
import { optional } from '../../../contract/shapes.ts';
import { type Answer, type Endpoint, NOTHING, endpoint } from '../endpoint.ts';
import type { EventWriter } from '../event-stream.ts';
import { toProblem } from '../problem.ts';
import { parse } from '../request.ts';
import { ref } from '../schemas.ts';

const SeqSchema = z
  .string()
  .regex(/^\d{1,15}$/, 'a sequence number is needed')
  .transform(Number);
const EventsSchema = z.object({
  after: optional(SeqSchema).describe('The sequence number to continue after. `Last-Event-ID` counts before it.'),
  partial: optional(z.enum(['true', 'false'])).describe('Whether to send what running steps show of their work, too.'),
});

export const EVENT_ENDPOINTS: readonly Endpoint[] = [
  endpoint({
    method: 'get',
    path: '/v1/threads/{threadId}/events',
    tag: 'Events',
    summary: 'Follow the events of a thread',
    description:
      'Server-sent events. Each logged event has its `seq` as `id`, so a reader that connects again with `Last-Event-ID`, to any server, has no gap and nothing twice. With `partial=true` deltas of running steps are among them, without an `id`. The stream ends after `thread/closed`; asked again, it is 204, which ends an `EventSource`. An event named `problem` has the reason why a stream ended early.',
    scope: 'read',
    query: EventsSchema,
    answers: [
      { status: 200, says: 'The events.', mediaType: 'text/event-stream', schema: ref('StreamedEvent') },
      { status: 204, says: 'The thread is closed, and nothing follows.' },
    ],
    problems: ['threadNotFound', 'tooManyStreams'],
    async run({ find, query, lastEventId }) {
      const { thread, status } = await find();
      const after = lastEventId === undefined ? (query.after ?? 0) : parse(SeqSchema, lastEventId, 'Last-Event-ID');
      const isClosed = status !== 'RUNNING';
      if (after > 0 && (await isAtEnd(thread, after, isClosed))) return NOTHING;
      return follow(thread, after, query.partial === 'true');
    },
  }),
];

/** Throws `invalid` for a number that the thread has not reached: its reader would miss what comes until then. */
async function isAtEnd(thread: ThreadHandle, after: number, isClosed: boolean): Promise<boolean> {
  const view = await thread.view({ wait: isClosed }).catch((error: unknown) => {
    // A stream begins without a worker, too.
    if (!isClosed && error instanceof BobbinError && PASSING.has(error.code)) return undefined;
    throw error;
  });
  if (view === undefined) return false;
  if (after > view.lastSeq)
    throw new BobbinError(
      'invalid',
      `The thread has ${view.lastSeq} events, and none after ${after} to continue with.`,
    );
  return view.status === 'closed' && after >= view.lastSeq;
}

function follow(thread: ThreadHandle, after: number, partial: boolean): Answer {
  const write = async (writer: EventWriter): Promise<void> => {
    const { signal } = writer;
    try {
      const found = partial ? thread.events({ after, signal, partial }) : thread.events({ after, signal });
      for await (const event of found) {
        await writer.send('seq' in event ? { id: event.seq, data: event } : { data: event });
      }
    } catch (error) {
      if (signal.aborted || !(error instanceof BobbinError)) throw error;
      await writer.send({ name: 'problem', data: toProblem(error).problem });
    }
  };
  return { type: 'events', write };
}
