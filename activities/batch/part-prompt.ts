/** The prompt for the review of a part of a target. */
import type { TargetPart } from '../contract.ts';
import type { ChangedFile, OpenTarget } from '../ports.ts';
import { listFiles, whereFilesAre } from '../review/prompt-parts.ts';
import { type OpenFinding, tellOfKnown } from './known-findings.ts';
import { type Parts, pathsOf } from './parts.ts';

export interface Compared extends Pick<OpenTarget, 'isElsewhere'> {
  base: string;
  head: string;
  /** Whether `base` is a commit; else it is the empty tree, and everything is new. */
  hasHistory: boolean;
  /** Whether everything is reviewed, not only what is new since the last review. */
  full: boolean;
  instructions: string;
}

/** @param open findings of earlier reviews, the most urgent first */
export function toTargetParts(
  compared: Compared,
  { parts, leftOut }: Parts,
  open: readonly OpenFinding[],
): TargetPart[] {
  return parts.map((files, index) => {
    const told = tellOfKnown(open, new Set(pathsOf([files])), compared.full);
    const others = parts.length === 1 ? '' : ` This is part ${index + 1} of ${parts.length}; others look at the rest.`;
    const paragraphs = [
      `Review ${whatChanged(compared)}.${others}`,
      howToLook(compared, parts.length === 1 && leftOut.length === 0 ? [] : files),
      listFiles('under review', files.map(toPath)),
      ...(leftOut.length === 0 || index > 0 ? [] : [listFiles('left out', leftOut.map(toPathAndWhy))]),
      ...(told.text === '' ? [] : [told.text]),
      ...(compared.instructions.trim() === ''
        ? []
        : [`Rules of whoever asks for this review:\n\n${compared.instructions.trim()}`]),
    ];
    return { prompt: paragraphs.join('\n\n'), known: told.findingIds };
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
  return `\`git diff ${base} ${head}${only}\` shows the changes${log}. ${whereFilesAre({ isElsewhere, head })}`;
}

/** Quoted for git and a shell, on one line, without the character that ends the command in this message. */
function quote(path: string): string {
  const oneLine = path.replace(/[`\n]/g, '?');
  const plain = oneLine === path && /[*?[\\]|^:/.test(path) ? `:(literal)${path}` : oneLine;
  return /^[\w./@+-]+$/.test(plain) ? plain : `'${plain.replaceAll("'", `'\\''`)}'`;
}

const toPath = ({ path }: ChangedFile) => path;
const toPathAndWhy = ({ file, why }: Parts['leftOut'][number]) => `${file.path} (${why})`;
