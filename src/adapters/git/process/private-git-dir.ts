/**
 * Our own git directory, in the worker's data folder. With it (`gitDir` of a call) git interprets nothing of a
 * workspace: it uses the configuration and hooks in here, and the attributes in here overrule every `.gitattributes`,
 * so that no filter runs and bytes stay unchanged. Objects of another repository can be read as data, its configuration
 * cannot.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writePrivateFileSync } from '../../../folders/private-file.ts';

/** The branch that is checked out in one: it does not exist. */
export const NO_HEAD = 'ref: refs/heads/none\n';

export interface PrivateGitDirOptions {
  /** Folders of objects of other repositories, absolute. Nothing is ever written to them. */
  alternates?: readonly string[];
  /** The format of the alternates. */
  objectFormat?: 'sha1' | 'sha256';
  /**
   * `kept`, the default: bytes are unchanged. `configured`: by attributes and settings of the work tree, which run
   * nothing.
   */
  lineEndings?: 'kept' | 'configured';
}

/**
 * Makes the directory, or completes one. Idempotent; several processes may do it at the same time. Every turn needs one,
 * and these few calls would take ten times as long if each waited for its turn on the event loop.
 */
export function makePrivateGitDir(path: string, options: PrivateGitDirOptions = {}): void {
  const { alternates = [], objectFormat = 'sha1', lineEndings = 'kept' } = options;
  for (const folder of ['objects/info', 'objects/pack', 'refs', 'info'])
    mkdirSync(join(path, folder), { recursive: true, mode: 0o700 });
  const files = {
    config: toConfig(objectFormat),
    'info/attributes': `* ${lineEndings === 'kept' ? `${LINE_ENDINGS} ` : ''}${ATTRIBUTES}\n`,
    'objects/info/alternates': alternates.map((folder) => `${toQuoted(folder)}\n`).join(''),
    // Last: with this file git accepts the folder as a repository.
    HEAD: NO_HEAD,
  };
  for (const [name, content] of Object.entries(files)) ensureFile(join(path, name), content);
}

/**
 * Overrides every attribute by which a file of a work tree could make git run a program or change bytes. Whether a file
 * is text depends on its content.
 */
const ATTRIBUTES = '-ident -filter -working-tree-encoding -export-subst -export-ignore !diff !merge';
const LINE_ENDINGS = '-text -eol -crlf';

function toConfig(objectFormat: 'sha1' | 'sha256'): string {
  const sha256 = objectFormat === 'sha256';
  const extensions = sha256 ? '[extensions]\n\tobjectFormat = sha256\n' : '';
  // Bare, so that git uses a work tree only if a call names one. New files are closed to others, whatever the umask.
  const core = `[core]\n\trepositoryFormatVersion = ${sha256 ? 1 : 0}\n\tbare = true\n\tsharedRepository = 0600\n`;
  // References that are files can be written and removed without git.
  return `${core}[gc]\n\tpackRefs = false\n${extensions}`;
}

/** Git gives a path that begins with a quote or a comment sign another meaning. */
function toQuoted(path: string): string {
  return /^["#]|[\n"\\]/.test(path) ? JSON.stringify(path) : path;
}

function ensureFile(path: string, content: string): void {
  if (readIfThere(path) !== content) writePrivateFileSync(path, content);
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
