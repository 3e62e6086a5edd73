/** What a release leaves on disk: `test/stored/<release or patch>/<scenario>/<kind>`. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

export const STORED = join(import.meta.dirname, '../stored');

export interface StoredFolder {
  name: string;
  path: string;
  /** Where the names of the histories of the same scenario begin. */
  histories: string;
}

export function storedFolders(kind: string): StoredFolder[] {
  return readdirSync(STORED).flatMap((label) =>
    readdirSync(join(STORED, label)).flatMap((scenario) => {
      const path = join(STORED, label, scenario, kind);
      const histories = `${join(label, scenario)}/`;
      return existsSync(path) ? [{ name: `${histories}${kind}`, path, histories }] : [];
    }),
  );
}
