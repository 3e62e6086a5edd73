#!/usr/bin/env node
/**
 * Runs the `bobbin` command of a checkout: as built, which starts in a third of the time, or from its sources if one of
 * them is newer. In plain JavaScript, since an older Node.js reads no TypeScript.
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

const BUILT = join(import.meta.dirname, 'dist/bin/bobbin.js');
const SOURCES = ['activities', 'src', 'workflows'].map((folder) => join(import.meta.dirname, folder));

if (isBuilt()) {
  await import('./dist/bin/bobbin.js');
} else if (process.features.typescript) {
  await import('./src/interfaces/cli/main.ts');
} else {
  process.stderr.write(
    `bobbin runs from its sources on Node.js 22.18 or later, and this is Node.js ${process.versions.node}. Install Node.js 24 ` +
      '(https://nodejs.org), or run `npm run bobbin --`, which installs its own Node.js.\n',
  );
  process.exit(1);
}

/** Whether there is a build, and no source is newer. A folder changes, too, when a file in it is added or removed. */
function isBuilt() {
  const builtAt = statSync(BUILT, { throwIfNoEntry: false })?.mtimeMs;
  if (builtAt === undefined) return false;
  return SOURCES.every((folder) =>
    [folder, ...readdirSync(folder, { recursive: true }).map((name) => join(folder, name))].every(
      (path) => statSync(path).mtimeMs <= builtAt,
    ),
  );
}
