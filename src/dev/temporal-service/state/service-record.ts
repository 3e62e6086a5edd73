import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { writePrivateFileSync } from '../../../folders/private-file.ts';
import type { ProcessMark } from '../run/process-start.ts';

export const MarkSchema = z.object({ pid: z.int().min(2), startedAt: z.string() });

const RecordSchema = MarkSchema.extend({
  /** `host:port` of the gRPC front end. */
  address: z.string(),
  /** Null where it runs without a UI. */
  uiUrl: z.string().nullable(),
  port: z.int(),
  uiPort: z.int().nullable(),
  /** `host:port` of the UI itself, behind its guard; null where it runs without one. Earlier releases had no guard. */
  uiUpstream: z.string().nullish(),
  cliVersion: z.string(),
  serverVersion: z.string(),
  /** The process that started it and would stop it. */
  owner: MarkSchema,
});

/** What is written down of a running service, so that a later start finds it even when its parent was killed. */
export type ServiceRecord = z.infer<typeof RecordSchema>;

function recordPath(dataDirectory: string): string {
  return join(dataDirectory, 'temporal.json');
}

/** Undefined where there is none, or none that makes sense. */
export function readRecord(dataDirectory: string): ServiceRecord | undefined {
  try {
    return RecordSchema.parse(JSON.parse(readFileSync(recordPath(dataDirectory), 'utf8')));
  } catch {
    return undefined;
  }
}

/** Synchronous, so that nothing can end this process between the start of a service and the note of it. */
export function writeRecord(dataDirectory: string, record: ServiceRecord): void {
  writePrivateFileSync(recordPath(dataDirectory), `${JSON.stringify(record, null, 2)}\n`);
}

/** Removes the record, unless it tells of another process by now. */
export function removeRecord(dataDirectory: string, mark: ProcessMark): void {
  const found = readRecord(dataDirectory);
  if (found !== undefined && (found.pid !== mark.pid || found.startedAt !== mark.startedAt)) return;
  rmSync(recordPath(dataDirectory), { force: true });
}
