/** The programs that tests run: as built where `npm test` has just built them, which starts in half the time, else the sources. */
import { join } from 'node:path';

const built = process.env['BOBBIN_TEST_BUILT'] === '1';
const root = join(import.meta.dirname, '../..');

const programOf = (place: string): string => (built ? join(root, 'dist', `${place}.js`) : join(root, `${place}.ts`));

/** The `bobbin` command. */
export const CLI = programOf('src/interfaces/cli/main');
/** A worker. */
export const WORKER = programOf('src/worker/main');
