/** Completes `/commands` and the paths of files after an `@`. */
import { readdir } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import type { Draft } from './editor.ts';
import { completeCommand } from './slash.ts';
import type { Offers } from './state.ts';

const MAX_WORD = 500;
const MAX_OFFERS = 50;

/** @param folder the workspace; if it is on another machine, or not known yet, no path is offered */
export async function completeDraft({ text, at }: Draft, folder: string | undefined): Promise<Offers | null> {
  const before = text.slice(Math.max(0, at - MAX_WORD), at);
  const commands = before === text ? completeCommand(text) : [];
  if (commands.length > 0) return { words: commands, from: 0, to: at };
  const [, path] = /(?:^|\s)@(\S*)$/.exec(before) ?? [];
  if (path === undefined || folder === undefined) return null;
  const words = await paths(folder, path);
  return words.length === 0 ? null : { words, from: at - path.length, to: at };
}

async function paths(folder: string, path: string): Promise<string[]> {
  const inside = path.endsWith('/') ? path : dirname(path);
  const place = normalize(join(folder, inside));
  // Only the workspace: a name outside of it means nothing to the agent.
  if (place !== normalize(folder) && !place.startsWith(`${normalize(folder)}/`)) return [];
  const prefix = path.endsWith('/') ? path : inside === '.' ? '' : `${inside}/`;
  const entries = await readdir(place, { withFileTypes: true }).catch(() => []);
  return entries
    .filter(({ name }) => name !== '.git' && !/\s/.test(name))
    .map((entry) => `${prefix}${entry.name}${entry.isDirectory() ? '/' : ''}`)
    .filter((word) => word.startsWith(path))
    .sort()
    .slice(0, MAX_OFFERS);
}
