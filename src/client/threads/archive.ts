/** Reads an archived segment through a small workflow, so that a client needs no access to the archive. */
import { randomUUID } from 'node:crypto';
import { WORKFLOW_TASK_TIMEOUT } from '../../../workflows/sandbox/task-timeout.ts';
import type { ArchiveBody } from '../../contract/index.ts';
import type { Service } from '../service.ts';

export function readArchive(service: Service, segmentId: string): Promise<ArchiveBody> {
  return service.client.workflow.execute<(segmentId: string) => Promise<ArchiveBody>>('readArchive', {
    workflowId: `archive/${segmentId}/${randomUUID()}`.slice(-900),
    taskQueue: service.taskQueue,
    args: [segmentId],
    workflowExecutionTimeout: '1m',
    workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
  });
}
