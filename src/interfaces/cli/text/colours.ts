/** Colours only on a terminal. The library's own detection would also colour the logs of CI services. */
import { isatty } from 'node:tty';
import pc from 'picocolors';

const STANDARD_OUTPUT = 1;

export const colours = pc.createColors(isatty(STANDARD_OUTPUT) && process.env['NO_COLOR'] === undefined);
