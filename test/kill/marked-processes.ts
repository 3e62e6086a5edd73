/** A look at /proc from outside: which processes of commands are there, by the marker that each of them inherits. */
import { readFileSync, readdirSync } from 'node:fs';

export interface MarkedProcess {
  pid: number;
  commandId: string;
}

/** Living processes, zombies left out, of commands whose id begins with `prefix`: `tool/<threadId>/` for a thread's. */
export function findMarked(prefix: string): MarkedProcess[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && isAlive(Number(name)))
    .flatMap((name) => {
      const commandId = readMarker(name);
      return commandId?.startsWith(prefix) === true ? [{ pid: Number(name), commandId }] : [];
    });
}

/** False for a zombie, too: it runs no more. */
export function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return !'ZX'.includes(stat.charAt(stat.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}

function readMarker(pid: string): string | undefined {
  try {
    const entries = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
    return entries.find((entry) => entry.startsWith('BOBBIN_COMMAND_ID='))?.slice('BOBBIN_COMMAND_ID='.length);
  } catch {
    return undefined;
  }
}
