/** Divides the changes of a target into parts that each fit into one review. */
import type { FileLeftOut } from '../../src/contract/index.ts';
import type { ChangedFile } from '../ports.ts';

/** Maximum reviews of one target in one run. */
const MOST_PARTS = 12;
/** Fraction of a model's window for the diff. The rest is for other files that the reviewer reads. */
const SHARE = 0.5;
const BYTES_PER_TOKEN = 3;

export interface Parts {
  parts: ChangedFile[][];
  leftOut: { file: ChangedFile; why: string }[];
}

/** @param windowTokens the size at which a conversation with the model is compacted */
export function toParts(files: readonly ChangedFile[], windowTokens: number): Parts {
  const most = Math.max(1, Math.floor(windowTokens * SHARE * BYTES_PER_TOKEN));
  const leftOut: Parts['leftOut'] = [];
  const parts: ChangedFile[][] = [];
  let room = 0;
  for (const file of files) {
    const why = complain(file, most);
    const last = parts.at(-1);
    if (why !== null) leftOut.push({ file, why });
    else if (last !== undefined && file.bytes <= room) {
      last.push(file);
      room -= file.bytes;
    } else if (parts.length === MOST_PARTS) leftOut.push({ file, why: `more than ${MOST_PARTS} reviews can look at` });
    else {
      parts.push([file]);
      room = most - file.bytes;
    }
  }
  return { parts, leftOut };
}

function complain({ kind, bytes }: ChangedFile, most: number): string | null {
  if (kind === 'binary') return 'binary';
  if (kind === 'submodule') return 'a submodule';
  return bytes > most ? `${bytes} bytes of changes, more than a review of this model can take in` : null;
}

/** Maximum files that are named to a person. */
const MOST_NAMED = 20;
const PATH_CHARS = 200;

/** The first omitted files. A long path keeps its end. */
export function toLeftOut({ leftOut }: Parts): FileLeftOut[] {
  return leftOut.slice(0, MOST_NAMED).map(({ file: { path }, why }) => {
    return { path: path.length <= PATH_CHARS ? path : `…${path.slice(1 - PATH_CHARS)}`, why };
  });
}

/** All current and former names of the files of the parts. */
export function pathsOf(parts: readonly (readonly ChangedFile[])[]): string[] {
  return parts.flat().flatMap(({ path, before }) => (before === null ? [path] : [path, before]));
}
