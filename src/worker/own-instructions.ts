/** The file with the person's instructions for every agent. */
import { readFileSync, statSync } from 'node:fs';
import { LIMITS } from '../contract/index.ts';

/** Empty if there is no such file. Throws an error that names the file if it cannot be used. */
export function readOwnInstructions(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return '';
  // Other kinds of files could keep the worker waiting without end.
  if (!stats.isFile()) throw new Error(`${path} cannot be used as instructions: it is not a file.`);
  const most = LIMITS.instructionsChars;
  const text = stats.size > 4 * most ? null : readFileSync(path, 'utf8').replace(/^\ufeff/, '');
  if (text !== null && text.length <= most) return text;
  throw new Error(`${path} cannot be used as instructions: it has more than ${most} characters.`);
}
