/** Reads the log of one thread: its events page by page, the archived ones, and what its running steps show. */
import type { ArchiveSegment } from '../../contract/index.ts';
import { toWorkflowId } from '../../contract/index.ts';
import { eventsQuery } from '../../../workflows/thread/shell/messages.ts';
import { callsOf } from '../calls.ts';
import { toBobbinError } from '../errors.ts';
import { readArchive } from './archive.ts';
import type { EventSource } from './event-stream.ts';
import { readProgress } from './progress.ts';
import type { Service } from '../service.ts';

/** Readers of the same thread share calls that are under way. */
export function openSource(service: Service, threadId: string): EventSource {
  const workflowId = toWorkflowId(threadId);
  const handle = service.client.workflow.getHandle(workflowId);
  const { call } = callsOf(service, (error, action) => toBobbinError(error, { threadId, action }));
  return {
    events: (after, limit, completedTask) => {
      const page = { after, limit, ...(completedTask === null ? {} : { completedTask }) };
      return service.share(JSON.stringify([workflowId, page]), () =>
        call('read events', () => handle.query(eventsQuery, page)),
      );
    },
    archived: (segment: ArchiveSegment) =>
      call('read the archive', () => readArchive(service, segment.segmentId), 30_000),
    progress: () =>
      service.share(JSON.stringify([workflowId, 'progress']), () =>
        call('read the running steps', () => readProgress(handle)),
      ),
  };
}
