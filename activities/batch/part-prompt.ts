/** The one message of the conversation that looks at a part of a target. */
import type { ChangedFile, OpenTarget } from '../ports.ts';
import type { Parts } from './parts.ts';

/** Characters of a list of files; commands show the rest. */
const LIST_CHARS = 10_000;

export interface Compared extends Pick<OpenTarget, 'isElsewhere'> {
  base: string;
  head: string;
  /** Whether `base` is a commit; else it is a tree without files, and everything is new. */
  hasHistory: boolean;
  instructions: string;
}

export function toPartPrompts(compared: Compared, { parts, leftOut }: Parts): string[] {
  return parts.map((files, index) => {
    const others = parts.length === 1 ? '' : ` This is part ${index + 1} of ${parts.length}; others look at the rest.`;
    return [
      `Review ${whatChanged(compared)}.${others}`,
      howToLook(compared, parts.length === 1 && leftOut.length === 0 ? [] : files),
      list(
        'under review',
        files.map(({ path }) => path),
      ),
      ...(leftOut.length === 0 || index > 0
        ? []
        : [
            list(
              'left out',
              leftOut.map(({ file, why }) => `${file.path} (${why})`),
            ),
          ]),
      ...(compared.instructions.trim() === ''
        ? []
        : [`Rules of whoever asks for this review:\n\n${compared.instructions.trim()}`]),
    ].join('\n\n');
  });
}

function whatChanged({ base, head, hasHistory }: Compared): string {
  return hasHistory
    ? `the changes between the commits ${base} and ${head}`
    : `all files of commit ${head}, as if they were new`;
}

function howToLook({ base, head, hasHistory, isElsewhere }: Compared, files: readonly ChangedFile[]): string {
  const names = files.flatMap(({ path, before }) => (before === null ? [path] : [before, path])).map(quote);
  const only = names.length === 0 ? '' : ` -- ${names.join(' ')}`;
  const log = hasHistory ? `, \`git log --oneline ${base}..${head}\` the commits` : '';
  const where = isElsewhere
    ? ` Files on disk are of another version: read those under review with \`git show ${head}:PATH\`.`
    : ' Files on disk are as they are there.';
  return `\`git diff ${base} ${head}${only}\` shows the changes${log}.${where}`;
}

/** As git and a shell take it, on one line and without the mark that ends the command in this message. */
function quote(path: string): string {
  const oneLine = path.replace(/[`\n]/g, '?');
  const plain = oneLine === path && /[*?[\\]|^:/.test(path) ? `:(literal)${path}` : oneLine;
  return /^[\w./@+-]+$/.test(plain) ? plain : `'${plain.replaceAll("'", `'\\''`)}'`;
}

function list(what: string, names: readonly string[]): string {
  let left = LIST_CHARS;
  const lines = names.map((name) => `- ${name.includes('\n') ? JSON.stringify(name) : name}`);
  const shown = lines.filter((line) => (left -= line.length + 1) >= 0);
  const more = names.length - shown.length;
  return [`${names.length} ${names.length === 1 ? 'file is' : 'files are'} ${what}.`, ...shown]
    .concat(more > 0 ? [`- and ${more} more`] : [])
    .join('\n');
}
