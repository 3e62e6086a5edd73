/** What is known of the clones of a host. It is in the data folder, where no command can change it. */
import { readFileSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writePrivateFile } from '../../../folders/private-file.ts';

const RecordSchema = z.object({
  threadId: z.string(),
  /** The service that has the thread. */
  service: z.string(),
  repository: z.string(),
  ref: z.string().exactOptional(),
  path: z.string().exactOptional(),
  commit: z.string(),
});
export type CloneRecord = z.infer<typeof RecordSchema>;

/** Null if there is none. @param name of the folder of the clone */
export function readRecord(records: string, name: string): CloneRecord | null {
  try {
    return RecordSchema.parse(JSON.parse(readFileSync(fileOf(records, name), 'utf8')));
  } catch {
    return null;
  }
}

export async function writeRecord(records: string, name: string, record: CloneRecord): Promise<void> {
  // Drafts of killed processes.
  const drafts = (await readdir(records)).filter((file) => file.startsWith(`.${name}.json.`));
  for (const draft of drafts) await rm(join(records, draft), { force: true });
  await writePrivateFile(fileOf(records, name), JSON.stringify(record));
}

export async function removeRecord(records: string, name: string): Promise<void> {
  await rm(fileOf(records, name), { force: true });
}

/** Names with the time of their making, in milliseconds since the epoch. */
export async function listRecords(records: string): Promise<{ name: string; madeAt: number; record: CloneRecord }[]> {
  const files = await readdir(records).catch(() => []);
  const found = files
    .filter((file) => /^[^.].*\.json$/.test(file))
    .map(async (file) => {
      const name = file.slice(0, -'.json'.length);
      const stats = await stat(join(records, file)).catch(() => null);
      const record = readRecord(records, name);
      return stats === null || record === null ? [] : [{ name, madeAt: stats.mtimeMs, record }];
    });
  return (await Promise.all(found)).flat();
}

function fileOf(records: string, name: string): string {
  return join(records, `${name}.json`);
}
