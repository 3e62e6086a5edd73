import { toSearchPath } from '../programs.ts';
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
    PATH: toSearchPath([], worker),
    TERM: 'dumb',
    PAGER: 'cat',
    GIT_PAGER: 'cat',
    MANPAGER: 'cat',
    [COMMAND_MARKER]: commandId,
  };
}
