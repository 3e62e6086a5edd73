/**
 * Which skills of which workspaces the person has trusted: a folder for each workspace, a file for each skill, written as a
 * whole. A file that cannot be read counts as none.
 */
import { createHash } from 'node:crypto';
import { readFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { isSkillName } from '../../contract/plain/tools/read-skill.ts';
import { writePrivateFile } from '../../folders/private-file.ts';

export interface TrustedSkills {
  /** The hash of each, by its name. @param workspace a real path */
  of(workspace: string): Promise<ReadonlyMap<string, string>>;
  trust(workspace: string, name: string, sha256: string): Promise<void>;
  /** Whether it was trusted. */
  untrust(workspace: string, name: string): Promise<boolean>;
}

const FileSchema = z.object({
  version: z.literal(1),
  workspace: z.string(),
  name: z.string(),
  sha256: z.string(),
  /** Milliseconds since the epoch. */
  at: z.number(),
});
type TrustFile = z.infer<typeof FileSchema>;

/** @param directory absolute; no sandbox and no patch may write in it */
export function createTrustedSkills(directory: string): TrustedSkills {
  const folderOf = (workspace: string) =>
    join(directory, createHash('sha256').update(workspace).digest('hex').slice(0, 32));
  const fileOf = (workspace: string, name: string) => join(folderOf(workspace), `${name}.json`);
  const read = async (workspace: string, name: string): Promise<TrustFile[]> => {
    const text = await readFile(fileOf(workspace, name), 'utf8').catch(() => '');
    const { data } = FileSchema.safeParse(fromJson(text));
    return data?.workspace === workspace && data.name === name ? [data] : [];
  };
  return {
    async of(workspace) {
      const files = await readdir(folderOf(workspace)).catch(() => []);
      const names = files.map((file) => file.replace(/\.json$/, '')).filter(isSkillName);
      const found = (await Promise.all(names.map((name) => read(workspace, name)))).flat();
      return new Map(found.map(({ name, sha256 }) => [name, sha256]));
    },
    async trust(workspace, name, sha256) {
      const file: TrustFile = { version: 1, workspace, name, sha256, at: Date.now() };
      await writePrivateFile(fileOf(workspace, name), `${JSON.stringify(file, null, 2)}\n`);
    },
    async untrust(workspace, name) {
      if (!isSkillName(name) || (await read(workspace, name)).length === 0) return false;
      await rm(fileOf(workspace, name), { force: true });
      return true;
    },
  };
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
