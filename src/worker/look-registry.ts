/**
 * Looks at workspaces for steps that threads of this process have just begun, while the steps are on their way through
 * the service: a git process takes as long as the service does. Best effort; a step without a look takes one itself.
 */
import { LOOK_MS } from '../../activities/model/environment.ts';
import type { Look, LookRegistry, Place, Ports } from '../../activities/ports.ts';

export interface LocalLooks extends LookRegistry {
  begin(threadId: string, actionId: string, look: () => Look | undefined): void;
}

/** More are not begun: their steps would wait for a place, too, and by then the looks would be old. */
const MAX_LOOKS = 8;
/** Milliseconds until a look that no step of this process has taken is forgotten. */
const KEPT_MS = 1_000;

export function createLookRegistry(): LocalLooks {
  const looks = new Map<string, Look>();
  const keyOf = (threadId: string, actionId: string) => `${threadId} ${actionId}`;
  return {
    begin(threadId, actionId, look) {
      const key = keyOf(threadId, actionId);
      if (looks.size >= MAX_LOOKS || looks.has(key)) return;
      const begun = look();
      if (begun === undefined) return;
      for (const part of Object.values(begun) as Promise<unknown>[]) part.catch(() => undefined);
      looks.set(key, begun);
      setTimeout(() => looks.delete(key), KEPT_MS).unref();
    },
    take(threadId, actionId) {
      const key = keyOf(threadId, actionId);
      const look = looks.get(key);
      looks.delete(key);
      return look;
    },
  };
}

/** Only on the host of the thread, and only in a folder that its steps may use. */
export function lookAt(
  { git, projectDocs, requireWorkspace, hosts }: Pick<Ports, 'git' | 'projectDocs' | 'requireWorkspace' | 'hosts'>,
  { cwd, root, host }: Place,
): Look | undefined {
  if (host !== undefined && host !== hosts.id) return undefined;
  try {
    requireWorkspace(cwd, root);
  } catch {
    // The step says why.
    return undefined;
  }
  return { workTree: git.workTree(cwd, AbortSignal.timeout(LOOK_MS)), projectDocs: projectDocs.read(cwd) };
}
