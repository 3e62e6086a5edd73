import { realpath } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import type { ProjectDocsPort } from '../../../activities/ports.ts';
import { findWorkTree } from '../../folders/work-tree.ts';
import { listDeniedPaths } from '../shell/sandbox/denied-paths.ts';
import { type ClosedPaths, createClosedPaths } from './closed-paths.ts';
import { inFolder } from './safe-folder.ts';

const NAMES = ['AGENTS.override.md', 'AGENTS.md'];
/** Bytes that are read of one file: a section may come late. */
const FILE_BYTES = 256 * 1024;
const SEPARATOR = '\n\n--- project-doc ---\n\n';

interface Doc {
  path: string;
  text: string;
}

export interface ProjectDocsOptions {
  maxBytes?: number;
  /** Absolute; paths that are not read unless the working directory is inside. */
  deniedPaths?: readonly string[];
}

interface DocsPlace {
  /** Of the repository. */
  root: string;
  closed: ClosedPaths;
}

type Warn = (message: string) => void;

/**
 * The instructions of a repository for agents: from its root (the nearest folder upwards with a `.git`, else `cwd`
 * alone) down to `cwd`, of each folder the first of `AGENTS.override.md` and `AGENTS.md`, joined by a separator line.
 * At most `maxBytes` in UTF-8, notes included: the nearest files are kept, and warnings name what was cut or left out.
 *
 * The result is sent to a model, so only regular files of the repository are read: a symbolic link is followed only to
 * a Markdown file inside it. Files that commands cannot read are not read here.
 */
export function createProjectDocs({
  maxBytes = 32 * 1024,
  deniedPaths = listDeniedPaths(),
}: ProjectDocsOptions = {}): ProjectDocsPort {
  return {
    async read(cwd) {
      const warnings: string[] = [];
      const warn: Warn = (message) => warnings.push(message);
      const docs: Doc[] = [];
      const folders = await listFolders(cwd);
      const place = { root: folders[0] ?? cwd, closed: createClosedPaths(deniedPaths, folders.at(-1) ?? cwd) };
      for (const folder of folders) {
        const doc = await readFirst(folder, place, warn);
        const text = doc?.text.trimEnd() ?? '';
        if (doc !== undefined && text.trim() !== '') docs.push({ path: doc.path, text });
      }
      const texts = fit(docs, maxBytes, warn).map(({ text }) => text);
      return { text: texts.join(SEPARATOR), warnings };
    },
    sectionsOf,
  };
}

/**
 * The sections from each heading of the second level with this text to the next one of its level or above; fenced
 * headings do not count.
 */
function sectionsOf(text: string, heading: string): string {
  let fence: string | undefined;
  let inside = false;
  const kept = text.split(/\r?\n/).filter((line) => {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    if (fence === undefined) fence = mark;
    else if (mark?.startsWith(fence) === true && line.trim() === mark) fence = undefined;
    const [, level, words = ''] =
      (fence === undefined && /^ {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$/.exec(line)) || [];
    if (level !== undefined && level.length <= 2)
      inside = level.length === 2 && words.toLowerCase() === heading.toLowerCase();
    return inside;
  });
  return kept.join('\n');
}

/** Real paths, the root of the repository first. */
async function listFolders(named: string): Promise<string[]> {
  const cwd = await realpath(resolve(named)).catch(() => undefined);
  if (cwd === undefined) return [];
  const root = findWorkTree(cwd) ?? cwd;
  const folders = [cwd];
  while (folders[0] !== undefined && folders[0] !== root) folders.unshift(dirname(folders[0]));
  return folders;
}

async function readFirst(folder: string, place: DocsPlace, warn: Warn): Promise<Doc | undefined> {
  for (const name of NAMES) {
    const path = join(folder, name);
    try {
      const real = await findDoc(path, place);
      if (real !== undefined) return { path, text: await readText(real, warn) };
    } catch (error) {
      warn(`${path} was not read: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return undefined;
}

/** The real path of the file; undefined if there is none. It may be another file when it is read. */
async function findDoc(path: string, { root, closed }: DocsPlace): Promise<string | undefined> {
  const stats = await inFolder(dirname(path), (folder) => folder.lstat(basename(path)));
  if (stats === undefined) return undefined;
  const real = stats.isSymbolicLink() ? await realpath(path) : path;
  if (closed.has(real)) throw new Error('it is closed to commands, and what is read here is sent to a model.');
  if (real === path) return path;
  const names = relative(root, real).split(sep);
  const isInside = names[0] !== '..' && !names.some((name) => name.startsWith('.'));
  if (isInside && real.toLowerCase().endsWith('.md')) return real;
  throw new Error('it is a symbolic link, and not to a Markdown file of this repository.');
}

async function readText(path: string, warn: Warn): Promise<string> {
  const bytes = await inFolder(dirname(path), (folder) => folder.read(basename(path), FILE_BYTES + 1));
  if (bytes.length > FILE_BYTES) warn(`${path} is longer than ${FILE_BYTES} bytes; the rest was not read.`);
  return bytes.toString('utf8', 0, FILE_BYTES).replace(/^\ufeff/, '');
}

/** The nearest documents come last, and are kept before others. */
function fit(docs: Doc[], maxBytes: number, warn: Warn): Doc[] {
  let left = maxBytes;
  const kept: Doc[] = [];
  for (const doc of docs.toReversed()) {
    const text = cut(doc, left, maxBytes);
    left -= Buffer.byteLength(text) + Buffer.byteLength(SEPARATOR);
    if (text !== '') kept.unshift({ ...doc, text });
    if (text !== doc.text) {
      const what = text === '' ? 'was left out' : 'was cut';
      warn(`${doc.path} ${what}: project docs may have ${maxBytes} bytes in all, and the nearest come first.`);
    }
  }
  return kept;
}

function cut({ path, text }: Doc, bytesLeft: number, maxBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= bytesLeft) return text;
  const note = `\n\n(${path} is cut here: project docs may have ${maxBytes} bytes in all)`;
  let end = Math.max(0, bytesLeft - Buffer.byteLength(note));
  // A byte of the form 10xxxxxx continues a character, which must not be split.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return end === 0 ? '' : bytes.toString('utf8', 0, end) + note;
}
