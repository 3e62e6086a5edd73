/** Colours only on a terminal: the library's own guess would colour what a CI service records, too. */
import { isatty } from 'node:tty';
import pc from 'picocolors';

const STANDARD_OUTPUT = 1;

export const colours = pc.createColors(isatty(STANDARD_OUTPUT) && process.env['NO_COLOR'] === undefined);
