/** The targets of a patch's paths. A person who accepts a patch sees names, and a name may be a link. */
import { basename, dirname, join, relative, resolve } from 'node:path';
import type { PathLead } from '../../../activities/ports.ts';
import { isInside } from '../../folders/folders.ts';
import { followLinks } from '../../folders/real-path.ts';

/** Further ones are refused when they are written. */
const MAX_LEADS = 50;
const MAX_CHARS = 20_000;

/** The absolute path that a patch names, as it is shown: `cwd` and the path may contain links. */
export function toShown(path: string, cwd: string): string {
  return resolve(cwd, path);
}

/** @param realCwd the real path of `cwd`; a target inside is given as a path in `cwd`. */
export function findLeads(paths: readonly string[], cwd: string, realCwd: string): PathLead[] {
  const all = [...new Set(paths)].flatMap((path) => {
    const shown = toShown(path, cwd);
    const targets = [followLinks(shown), join(followLinks(dirname(shown)), basename(shown))];
    const others = new Set(targets.map((to) => inTermsOf(to, cwd, realCwd)));
    return [...others].filter((to) => to !== shown).map((to): PathLead => ({ path: shown, to }));
  });
  let left = MAX_CHARS;
  return all.slice(0, MAX_LEADS).filter(({ path, to }) => (left -= path.length + to.length) >= 0);
}

/** Whether a person who has seen the path and these leads knows this target. */
export function isKnown(
  shown: string,
  real: string,
  leads: readonly PathLead[],
  cwd: string,
  realCwd: string,
): boolean {
  const to = inTermsOf(real, cwd, realCwd);
  return to === shown || leads.some((lead) => lead.path === shown && lead.to === to);
}

function inTermsOf(real: string, cwd: string, realCwd: string): string {
  return isInside(real, realCwd) ? join(cwd, relative(realCwd, real)) : real;
}
