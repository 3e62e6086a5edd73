import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { COMMAND_MARKER } from './process-table.ts';

const SECRET = /KEY|TOKEN|SECRET|PASSW|CREDENTIAL|AUTH/i;
/** Settings of git in numbered variables, which go together or not at all; one of them may be what git signs in with. */
const GIT_SETTINGS = /^GIT_CONFIG_(COUNT|PARAMETERS|KEY_|VALUE_)/;
const OURS = /^(BOBBIN|TEMPORAL)_/i;
/** Names that look like secrets and are none: without them git loses its author, and ssh its agent. */
const HARMLESS = new Set(['SSH_AUTH_SOCK', 'GIT_AUTHOR_NAME', 'GIT_AUTHOR_EMAIL', 'GIT_AUTHOR_DATE']);

/**
 * The environment a command gets: the worker's without what names a secret and without our own settings, a terminal that
 * can do nothing, no pager, and the marker by which the command's processes are found again.
 */
export function buildCommandEnvironment(worker: NodeJS.ProcessEnv, commandId: string): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(worker)) {
    if (value === undefined || OURS.test(name) || GIT_SETTINGS.test(name)) continue;
    if (SECRET.test(name) && !HARMLESS.has(name)) continue;
    environment[name] = value;
  }
  return {
    ...environment,
    TERM: 'dumb',
    PAGER: 'cat',
    GIT_PAGER: 'cat',
    MANPAGER: 'cat',
    [COMMAND_MARKER]: commandId,
  };
}

/** The absolute path of a program on the worker's PATH; undefined where there is none. */
export function findProgram(name: string, searchPath = process.env['PATH'] ?? ''): string | undefined {
  return searchPath
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
