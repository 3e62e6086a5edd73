/** Stores a snapshot as a commit, by one `git fast-import` for all of it. */
import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { RawPath } from '../process/git-process.ts';
import type { Entry } from './entry.ts';
import { noteWritten, toImports } from './free-space.ts';
import { oneAtATime } from './snapshot-queue.ts';
import { type SnapshotStore, type StoredFacts, gitOf, toMessage } from './snapshot-store.ts';

const WHO = 'Bobbin <snapshot@bobbin.invalid>';
/** Searching for differences from earlier contents, as git would, saves too little. */
const IMPORT = ['-c', 'pack.compression=1', '-c', 'core.looseCompression=1', 'fast-import', '--depth=0'];

/** Paths that differ from the base. */
interface TreeChange {
  gone: readonly RawPath[];
  written: readonly RawPath[];
  /** Of those that were written. */
  entries: ReadonlyMap<RawPath, Pick<Entry, 'kind' | 'id'>>;
}

interface CommitParts {
  /** The base; null to begin with an empty tree. */
  tree: string | null;
  change: TreeChange;
  /** Blobs that the store may not have. The change and the facts are read after them. */
  contents: AsyncIterable<Buffer>;
  facts: () => StoredFacts;
}

export async function importCommit(
  store: SnapshotStore,
  { tree: base, change, contents, facts }: CommitParts,
  signal: AbortSignal,
): Promise<{ commit: string; tree: string }> {
  const ref = `refs/imports/${randomUUID()}`;
  const input = async function* (): AsyncGenerator<Buffer> {
    for await (const chunk of contents) {
      noteWritten(store, chunk.length);
      yield chunk;
    }
    const message = toMessage(facts());
    yield Buffer.from(`commit ${ref}\nmark :1\ncommitter ${WHO} 0 +0000\ndata ${message.length}\n`);
    yield message;
    for (const lines of toTreeLines(base, change)) yield Buffer.from(lines, 'latin1');
    yield Buffer.from('\nget-mark :1\nls :1 ""\ndone\n');
  };
  const args = [...IMPORT, '--quiet', '--done', '--date-format=raw'];
  try {
    const run = () => gitOf(store, signal)(args, { input: input() });
    const { stdout } = await oneAtATime(toImports(store), run);
    const [, commit = '', tree = ''] = /^(\w+)\n040000 tree (\w+)/.exec(stdout.toString()) ?? [];
    return { commit, tree };
  } finally {
    await rm(join(store.gitDir, ref), { force: true });
  }
}

const PATHS_AT_A_TIME = 1_000;

/** Removals come first: a file may replace a folder. */
function* toTreeLines(base: string | null, { gone, written, entries }: TreeChange): Generator<string> {
  if (base !== null) yield `M 040000 ${base} ""\n`;
  for (let at = 0; at < gone.length; at += PATHS_AT_A_TIME)
    yield toLines(gone.slice(at, at + PATHS_AT_A_TIME), (path) => `D ${quote(path)}`);
  for (let at = 0; at < written.length; at += PATHS_AT_A_TIME)
    yield toLines(written.slice(at, at + PATHS_AT_A_TIME), (path) => {
      const { kind = '', id = '' } = entries.get(path) ?? {};
      return `M ${kind} ${id} ${quote(path)}`;
    });
}

function toLines(paths: readonly RawPath[], toLine: (path: RawPath) => string): string {
  return paths.map((path) => `${toLine(path)}\n`).join('');
}

/** As `git fast-import` reads a path. */
function quote(path: RawPath): string {
  const escaped = path.replace(/["\\\n]/g, (char) => (char === '\n' ? '\\n' : `\\${char}`));
  return `"${escaped}"`;
}
