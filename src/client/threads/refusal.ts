import type { ThreadResult } from '../../contract/index.ts';
import type { Service } from '../service.ts';

/** Why a thread has refused its start argument; null if it has not, or not yet. */
export async function reasonOfRefusal(service: Service, workflowId: string): Promise<string | null> {
  const handle = service.client.workflow.getHandle(workflowId);
  const { status } = await service.within(() => handle.describe());
  if (status.name !== 'COMPLETED') return null;
  const result = (await service.within(() => handle.result())) as ThreadResult;
  return result.status === 'refused' ? result.reason : null;
}
