import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { writePrivateFileSync } from '../../../folders/private-file.ts';
import { MarkSchema } from '../../../folders/process-mark-schema.ts';
import type { ProcessMark } from '../../../folders/process-mark.ts';

const RecordSchema = MarkSchema.extend({
  /** `host:port` of the gRPC front end. */
  address: z.string(),
  /** Null without a UI. */
  uiUrl: z.string().nullable(),
  port: z.int(),
  uiPort: z.int().nullable(),
  /** `host:port` of the UI behind its guard; null without a UI. Earlier releases had no guard. */
  uiUpstream: z.string().nullish(),
  cliVersion: z.string(),
  serverVersion: z.string(),
  /** The process that started it and will stop it. */
  owner: MarkSchema,
});

/** The stored record of a running service, so that a later start finds it even if its parent was killed. */
export type ServiceRecord = z.infer<typeof RecordSchema>;

function recordPath(dataDirectory: string): string {
  return join(dataDirectory, 'temporal.json');
}

/** Undefined if there is no valid one. */
export function readRecord(dataDirectory: string): ServiceRecord | undefined {
  try {
    return RecordSchema.parse(JSON.parse(readFileSync(recordPath(dataDirectory), 'utf8')));
  } catch {
    return undefined;
  }
}

/** Synchronous, so that this process cannot end between the start of a service and its record. */
export function writeRecord(dataDirectory: string, record: ServiceRecord): void {
  writePrivateFileSync(recordPath(dataDirectory), `${JSON.stringify(record, null, 2)}\n`);
}

/** Removes the record unless it now describes another process. */
export function removeRecord(dataDirectory: string, mark: ProcessMark): void {
  const found = readRecord(dataDirectory);
  if (found !== undefined && (found.pid !== mark.pid || found.startedAt !== mark.startedAt)) return;
  rmSync(recordPath(dataDirectory), { force: true });
}
