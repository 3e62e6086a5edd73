/** The common parts of all review prompts. */

/** Maximum characters of a list of files; commands show the rest. */
const LIST_CHARS = 10_000;

/** @param head full id of the commit under review */
export function whereFilesAre({ isElsewhere, head }: { isElsewhere: boolean; head: string }): string {
  return isElsewhere
    ? `Files on disk are of another version: read those under review with \`git show ${head}:PATH\`.`
    : 'Files on disk are as they are there.';
}

/** @param count of all files; `names` are only the first ones */
export function listFiles(what: string, names: readonly string[], count = names.length): string {
  let left = LIST_CHARS;
  const lines = names.map((name) => `- ${name.includes('\n') ? JSON.stringify(name) : name}`);
  const shown = lines.filter((line) => (left -= line.length + 1) >= 0);
  const more = count - shown.length;
  return [`${count} ${count === 1 ? 'file is' : 'files are'} ${what}.`, ...shown]
    .concat(more > 0 ? [`- and ${more} more`] : [])
    .join('\n');
}
