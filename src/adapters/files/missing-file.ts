/** What a model is told about a file that is not there: what is there instead. */
import { basename, dirname } from 'node:path';
import type { Failure } from '../../../activities/failures.ts';
import { mostAlike } from './likeness.ts';
import { doesNotApply } from './planned-file.ts';
import { inFolder } from './safe-folder.ts';

const MAX_NAMES = 5;
const MAX_NAME_CHARS = 100;

/** @param named as the patch names it; @param path where that is. */
export async function noSuchFile(named: string, path: string): Promise<Failure> {
  const names = await inFolder(dirname(path), (folder) => folder.list()).catch(() => undefined);
  if (names === undefined) return doesNotApply(named, 'there is no such file, and no folder for it');
  const texts = names.map((name) => name.toString());
  const near = mostAlike(basename(path), texts, MAX_NAMES).map((at) => quoted(texts[at] ?? ''));
  const there = near.length === 0 ? '' : `. Its folder has ${near.join(', ')}`;
  return doesNotApply(named, `there is no such file${there}`);
}

function quoted(name: string): string {
  return JSON.stringify(name.length > MAX_NAME_CHARS ? `${name.slice(0, MAX_NAME_CHARS).toWellFormed()}…` : name);
}
