import type { Connection } from '@temporalio/client';

export interface ServiceCapabilities {
  /** Whether the service pushes cancellations of activities to workers, instead of waiting for a heartbeat. */
  workerCommands: boolean;
  /** For example `1.32.1`. */
  serverVersion: string;
}

/**
 * Reads the capabilities of the service for that namespace. Rejects if the service is down or the namespace is missing.
 * Run it inside `connection.withDeadline`.
 */
export async function serviceCapabilities(
  connection: Pick<Connection, 'workflowService'>,
  namespace: string,
): Promise<ServiceCapabilities> {
  const [system, described] = await Promise.all([
    connection.workflowService.getSystemInfo({}),
    connection.workflowService.describeNamespace({ namespace }),
  ]);
  return {
    workerCommands: described.namespaceInfo?.capabilities?.workerCommands === true,
    serverVersion: system.serverVersion,
  };
}
