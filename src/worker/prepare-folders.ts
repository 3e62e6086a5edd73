/** Prepares the folders of a worker before anything is written to them. */
import { mkdirSync } from 'node:fs';
import { removeLeftTemps } from '../folders/private-temp.ts';
import { moveFormerWorkspaces } from '../folders/former-workspaces.ts';
import { makePrivateFolder } from '../folders/private-folder.ts';
import type { WorkerConfig } from './config.ts';

type Folders = Pick<WorkerConfig, 'stateDirectory' | 'keyDirectory' | 'archiveDirectory' | 'workspacesDirectory'>;

/**
 * Makes them private. Throws if one belongs to another user or was not made for Bobbin. Errors of the file system are only
 * warnings, because the steps that need such a folder fail with their own code.
 */
export function prepareFolders(folders: Folders, warn: (line: string) => void): void {
  const { stateDirectory, keyDirectory, archiveDirectory, workspacesDirectory } = folders;
  const closed = [stateDirectory, keyDirectory, archiveDirectory].map((path) => () => {
    if (makePrivateFolder(path).wasOpen) warn(`${path} was open to other users; it is closed to them now`);
  });
  const steps = [
    () => moveFormerWorkspaces(stateDirectory, workspacesDirectory),
    () => void mkdirSync(workspacesDirectory, { recursive: true, mode: 0o700 }),
    () => removeLeftTemps(stateDirectory),
  ];
  for (const step of [...closed, ...steps]) {
    try {
      step();
    } catch (error) {
      if (!(error instanceof Error) || !('code' in error)) throw error;
      warn(`A folder of this worker cannot be prepared: ${error.message}`);
    }
  }
}
