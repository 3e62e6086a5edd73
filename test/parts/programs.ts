/** The programs that tests run: as built where `npm test` has just built them, which starts in a third of the time, else the sources. */
import { join } from 'node:path';
import { BUILT_PROGRAMS, programFile } from '../../src/folders/program-files.ts';

const built = process.env['BOBBIN_TEST_BUILT'] === '1';

const programOf = (name: 'bobbin' | 'worker'): string =>
  built ? join(BUILT_PROGRAMS, `${name}.js`) : programFile(name);

/** The `bobbin` command. */
export const CLI = programOf('bobbin');
/** Environment of a program that is not given ours: without it, Node compiles all of it anew at each start. */
export const COMPILED_CODE: Record<string, string> =
  process.env['NODE_COMPILE_CACHE'] === undefined ? {} : { NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] };

/** A worker. */
export const WORKER = programOf('worker');
