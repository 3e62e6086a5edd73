/**
 * Colours only on a terminal; the library's own detection would also colour the logs of CI services. `NO_COLOR` switches
 * them off and `FORCE_COLOR` on, wherever the output goes. As in Node, `FORCE_COLOR` decides if both are set.
 */
import { isatty } from 'node:tty';
import pc from 'picocolors';

const STANDARD_OUTPUT = 1;

export function wantsColours(env: Record<string, string | undefined>, terminal: boolean): boolean {
  const { FORCE_COLOR: force, NO_COLOR: no } = env;
  if (force !== undefined) return force !== '0' && force !== 'false';
  return terminal && (no === undefined || no === '');
}

export const colours = pc.createColors(wantsColours(process.env, isatty(STANDARD_OUTPUT)));
