/** Colours only on a terminal: the library's own guess would colour what a CI service records, too. */
import pc from 'picocolors';

export const colours = pc.createColors(Boolean(process.stdout.isTTY) && process.env['NO_COLOR'] === undefined);
