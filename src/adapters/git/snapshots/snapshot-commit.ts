/** Stores a snapshot as a commit, by one `git fast-import` for all of it. */
import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { RawPath } from '../process/git-process.ts';
import type { Manifest } from './manifest.ts';
import { toFacts } from './snapshot-facts.ts';
import type { Draft } from './snapshot-files.ts';
import { type SnapshotStore, gitOf, toMessage } from './snapshot-store.ts';

const WHO = 'Bobbin <snapshot@bobbin.invalid>';
/** Searching for differences from earlier contents, as git would, saves too little. */
const IMPORT = ['-c', 'pack.compression=1', '-c', 'core.looseCompression=1', 'fast-import', '--depth=0'];

export async function importCommit(
  store: SnapshotStore,
  known: Manifest | null,
  draft: Draft,
  contents: AsyncIterable<Buffer>,
  signal: AbortSignal,
): Promise<Manifest> {
  const ref = `refs/imports/${randomUUID()}`;
  const input = async function* (): AsyncGenerator<Buffer> {
    yield* contents;
    const message = toMessage(toFacts(draft));
    yield Buffer.from(`commit ${ref}\nmark :1\ncommitter ${WHO} 0 +0000\ndata ${message.length}\n`);
    yield message;
    for (const lines of toTreeLines(known, draft)) yield Buffer.from(lines, 'latin1');
    yield Buffer.from('\nget-mark :1\nls :1 ""\ndone\n');
  };
  const args = [...IMPORT, '--quiet', '--done', '--date-format=raw'];
  try {
    const { stdout } = await gitOf(store, signal)(args, { input: input() });
    const [, commit = '', tree = ''] = /^(\w+)\n040000 tree (\w+)/.exec(stdout.toString()) ?? [];
    return { commit, tree, facts: toFacts(draft), entries: draft.entries };
  } finally {
    await rm(join(store.gitDir, ref), { force: true });
  }
}

const PATHS_AT_A_TIME = 1_000;

/** Removals come first: a file may replace a folder. */
function* toTreeLines(known: Manifest | null, { gone, written, entries }: Draft): Generator<string> {
  if (known !== null) yield `M 040000 ${known.tree} ""\n`;
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
