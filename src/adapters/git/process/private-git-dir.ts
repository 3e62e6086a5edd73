/**
 * A git directory of ours, in the worker's data folder. Git that is given it (`gitDir` of a call) interprets nothing of a
 * workspace: configuration and hooks are those in here, and the attributes in here overrule every `.gitattributes`, so that
 * no filter runs and bytes stay as they are. Objects of another repository can be read as data, its configuration cannot.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { replacePrivateFile } from '../../../folders/private-file.ts';

export interface PrivateGitDirOptions {
  /** Folders of objects of other repositories, absolute. Nothing is ever written there. */
  alternates?: readonly string[];
  /** That of the alternates. */
  objectFormat?: 'sha1' | 'sha256';
  /** `kept`, the default: bytes stay as they are. `configured`: by attributes and settings of the work tree, which run nothing. */
  lineEndings?: 'kept' | 'configured';
}

/** Makes the directory, or completes one. Idempotent; several processes may do it at once. */
export async function makePrivateGitDir(path: string, options: PrivateGitDirOptions = {}): Promise<void> {
  const { alternates = [], objectFormat = 'sha1', lineEndings = 'kept' } = options;
  for (const folder of ['objects/info', 'objects/pack', 'refs', 'info'])
    await mkdir(join(path, folder), { recursive: true, mode: 0o700 });
  const files = {
    config: toConfig(objectFormat),
    'info/attributes': `* ${lineEndings === 'kept' ? `${LINE_ENDINGS} ` : ''}${ATTRIBUTES}\n`,
    'objects/info/alternates': alternates.map((folder) => `${toQuoted(folder)}\n`).join(''),
    // Last: git takes a folder with it for a repository.
    HEAD: 'ref: refs/heads/none\n',
  };
  for (const [name, content] of Object.entries(files)) await ensureFile(join(path, name), content);
}

/**
 * Everything by which a file of a work tree may have git run a program or change bytes. Whether a file is text is left to
 * its content.
 */
const ATTRIBUTES = '-ident -filter -working-tree-encoding -export-subst -export-ignore !diff !merge';
const LINE_ENDINGS = '-text -eol -crlf';

function toConfig(objectFormat: 'sha1' | 'sha256'): string {
  const sha256 = objectFormat === 'sha256';
  const extensions = sha256 ? '[extensions]\n\tobjectFormat = sha256\n' : '';
  // Bare, so that git uses a work tree only where a call names one. What git makes is closed to others, whatever the umask.
  const core = `[core]\n\trepositoryFormatVersion = ${sha256 ? 1 : 0}\n\tbare = true\n\tsharedRepository = 0600\n`;
  // References that are files can be written and removed without git.
  return `${core}[gc]\n\tpackRefs = false\n${extensions}`;
}

/** Git reads a path that begins with a quote, or a comment sign, as something else. */
function toQuoted(path: string): string {
  return /^["#]|[\n"\\]/.test(path) ? JSON.stringify(path) : path;
}

async function ensureFile(path: string, content: string): Promise<void> {
  const there = await readFile(path, 'utf8').catch(() => undefined);
  if (there === content) return;
  await replacePrivateFile(path, content);
}
