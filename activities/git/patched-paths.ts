/** Which paths a turn has changed by patches, if nothing else of it can have written. */
import { resolve } from 'node:path';
import type { Item } from '../../src/contract/index.ts';
import { WRITE_STDIN } from '../../src/contract/plain/tools/write-stdin.ts';
import { isKnownSafe } from '../../src/contract/plain/safe-commands.ts';
import type { PatchedPaths } from '../ports.ts';

/**
 * Null if the turn did anything else that may write: a command that is not known to only read, a tool of a server, an agent.
 * @param items those of the turn. @param cwd the workspace.
 */
export function toPatchedPaths(items: readonly Item[], cwd: string): PatchedPaths | null {
  const calls = items.flatMap((item) => ('callId' in item && item.status !== 'declined' ? [item] : []));
  if (calls.some((item) => item.type !== 'fileChange' && mayWrite(item, cwd))) return null;
  const patches = calls.flatMap((item) => (item.type === 'fileChange' ? [item] : []));
  const changes = patches.flatMap((item) => item.changes).filter(({ unchanged }) => unchanged !== true);
  const changed = changes.flatMap(({ path, movePath }) => [path, ...(movePath === undefined ? [] : [movePath])]);
  const isInside = (path: string) => !path.startsWith('/');
  // A link that was moved is named, and not the file to which it leads, in which the lines were changed.
  const edited = changes.filter(
    ({ kind, linesAdded, linesRemoved }) => kind === 'move' && linesAdded + linesRemoved > 0,
  );
  // A patch that failed or was stopped may have written a part of what it names.
  const failed = patches.flatMap((item) => (item.status === 'completed' ? [] : namesIn(item.patch)));
  return { changed: changed.filter(isInside), tried: [...edited.map(({ path }) => path), ...failed] };
}

type Call = Extract<Item, { callId: string }>;

function mayWrite(item: Call, cwd: string): boolean {
  switch (item.type) {
    case 'commandExecution':
      return !isKnownSafe(item.command, resolve(item.cwd) === resolve(cwd));
    case 'dynamicToolCall':
      return item.call?.name === WRITE_STDIN.name;
    case 'plan':
    case 'userInput':
    case 'imageView':
      return false;
    case 'fileChange':
    case 'mcpToolCall':
    case 'collabAgentToolCall':
      return true;
  }
}

/** As freely as the parser of patches. */
const NAME = /^[ \t]*\*\*\* (?:Add File|Delete File|Update File|Move to):(.+)$/gm;

function namesIn(patch: string): string[] {
  return [...patch.matchAll(NAME)].flatMap(([, name]) => name?.trim() ?? []);
}
