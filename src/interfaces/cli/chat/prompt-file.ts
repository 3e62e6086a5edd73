/** The prompts of earlier chats, in the data folder. Only this user may read them. */
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { dataLayout } from '../../../folders/folders.ts';
import { writePrivateFileSync } from '../../../folders/private-file.ts';

const MAX_PROMPTS = 500;
/** Longer ones are texts, not prompts to repeat. */
const MAX_CHARS = 4_000;

export function readPrompts(dataDirectory: string): string[] {
  try {
    const read: unknown = JSON.parse(readFileSync(dataLayout(dataDirectory).prompts, 'utf8'));
    return Array.isArray(read) ? read.filter((one) => typeof one === 'string').slice(-MAX_PROMPTS) : [];
  } catch {
    return [];
  }
}

/** Adds to what other chats have written since. */
export function writePrompts(dataDirectory: string, prompts: readonly string[]): void {
  const file = dataLayout(dataDirectory).prompts;
  const known = readPrompts(dataDirectory).filter((one) => !prompts.includes(one));
  const all = [...known, ...prompts.filter(({ length }) => length <= MAX_CHARS)].slice(-MAX_PROMPTS);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writePrivateFileSync(file, JSON.stringify(all));
}
