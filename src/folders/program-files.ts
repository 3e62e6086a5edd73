/** The files of this program: sources, or what `npm run build` has made of them. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(import.meta.url);
export const isBuilt = !here.endsWith('.ts');

/** The folder that contains `package.json`: the root of the checkout or of the installed package. */
export const PACKAGE_ROOT = packageRootAbove(dirname(here));

/** The bundled programs and the workflow bundle (`rolldown.config.ts`). */
export const BUILT_PROGRAMS = join(PACKAGE_ROOT, 'dist', 'bin');

/** The package of the client. */
export const BUILT_CLIENT = join(PACKAGE_ROOT, 'dist', 'client');

/** The entries `bobbin/worker` and `bobbin/workflows`. */
export const BUILT_WORKER = join(PACKAGE_ROOT, 'dist', 'worker');

/** The page for browsers, and where its sources are. */
export const BUILT_PAGE = join(PACKAGE_ROOT, 'dist', 'page');
export const PAGE_SOURCES = join(PACKAGE_ROOT, 'src', 'interfaces', 'page');

/** Programs that run in their own process, and where their sources are. */
export const PROGRAMS = {
  bobbin: 'src/interfaces/cli/main.ts',
  worker: 'src/worker/main.ts',
  supervisor: 'src/adapters/shell/supervisor/main.ts',
  launcher: 'src/adapters/launcher/main.ts',
  'sdk-download': 'src/dev/temporal-service/obtain/sdk-download-process.ts',
} as const;

/** The file to run: built if this module is built, too. */
export function programFile(name: keyof typeof PROGRAMS): string {
  return isBuilt ? join(BUILT_PROGRAMS, `${name}.js`) : join(PACKAGE_ROOT, PROGRAMS[name]);
}

function packageRootAbove(folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : packageRootAbove(dirname(folder));
}
