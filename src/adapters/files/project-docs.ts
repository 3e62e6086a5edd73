import { existsSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { ProjectDocsPort } from '../../../activities/ports.ts';

const NAMES = ['AGENTS.override.md', 'AGENTS.md'];
/** Bytes of one file: a section may stand far down. */
const FILE_BYTES = 256 * 1024;
const SEPARATOR = '\n\n--- project-doc ---\n\n';

interface CachedDoc {
  stamp: string;
  text: string;
}

/**
 * The instructions a repository has for agents: from its root (the nearest folder upwards with a `.git`, else `cwd`
 * alone) down to `cwd`, of each folder the first of `AGENTS.override.md` and `AGENTS.md`, joined by a separator line. At
 * most `maxBytes` in UTF-8, the note that something was cut included. What cannot be read is skipped; empty where there
 * is nothing. A file that has not changed since the last call is not read again.
 */
export function createProjectDocs({ maxBytes = 32 * 1024 }: { maxBytes?: number } = {}): ProjectDocsPort {
  const cache = new Map<string, CachedDoc>();
  const readAll = async (cwd: string, part: (text: string) => string): Promise<string> => {
    const texts: string[] = [];
    for (const folder of listFolders(resolve(cwd))) {
      const text = part((await readFirst(folder, cache)) ?? '');
      if (text.trim() !== '') texts.push(text.trimEnd());
    }
    return cut(texts.join(SEPARATOR), maxBytes);
  };
  return {
    read: (cwd) => readAll(cwd, (text) => text),
    sectionsOf,
    readSections: (cwd, heading) => readAll(cwd, (text) => sectionsOf(text, heading)),
  };
}

/** From each heading of the second level with these words to the next one of its level or above; what is fenced is text. */
function sectionsOf(text: string, heading: string): string {
  let fence: string | undefined;
  let inside = false;
  const kept = text.split('\n').filter((line) => {
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

function listFolders(cwd: string): string[] {
  const folders = [cwd];
  for (let folder = cwd; !existsSync(join(folder, '.git'));) {
    const parent = dirname(folder);
    if (parent === folder) return [cwd];
    folder = parent;
    folders.unshift(folder);
  }
  return folders;
}

async function readFirst(folder: string, cache: Map<string, CachedDoc>): Promise<string | undefined> {
  for (const name of NAMES) {
    const text = await readCached(join(folder, name), cache);
    if (text !== undefined) return text;
  }
  return undefined;
}

async function readCached(path: string, cache: Map<string, CachedDoc>): Promise<string | undefined> {
  try {
    const stats = await stat(path);
    // To open a pipe or a device could wait for ever.
    if (!stats.isFile()) return undefined;
    const { mtimeMs, size, ino } = stats;
    const stamp = [mtimeMs, size, ino].join(' ');
    const cached = cache.get(path);
    if (cached?.stamp === stamp) return cached.text;
    const text = await readBeginning(path, FILE_BYTES);
    cache.set(path, { stamp, text });
    return text;
  } catch {
    cache.delete(path);
    return undefined;
  }
}

async function readBeginning(path: string, bytes: number): Promise<string> {
  const file = await open(path);
  try {
    const buffer = Buffer.alloc(bytes);
    let length = 0;
    for (let more = true; more && length < bytes;) {
      const { bytesRead } = await file.read(buffer, length, bytes - length, length);
      length += bytesRead;
      more = bytesRead > 0;
    }
    return buffer.toString('utf8', 0, length);
  } finally {
    await file.close();
  }
}

function cut(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return text;
  const note = `\n\n(cut here: the project docs are longer than ${String(maxBytes)} bytes)`;
  let end = Math.max(0, maxBytes - Buffer.byteLength(note));
  // A byte of the form 10xxxxxx continues a character, which must not be cut in two.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return end === 0 ? '' : bytes.toString('utf8', 0, end) + note;
}
