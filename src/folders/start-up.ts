/** Settings of Node.js for a program of ours. Imported by the entry point before it loads the rest. */
import { mkdirSync } from 'node:fs';
import module from 'node:module';
import { join } from 'node:path';
import { cacheDirectory } from './folders.ts';
import { isOnlyOurs } from './private-folder.ts';

// Compiling the code takes half of the time that a program needs to start.
const directory = compiledCodeDirectory();
if (directory !== undefined) module.enableCompileCache(directory);

/** Node's default is a folder in /tmp, where another user could create it first and decide what is run. */
function compiledCodeDirectory(): string | undefined {
  try {
    const path = join(cacheDirectory(process.env), 'compiled');
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return isOnlyOurs(path) ? path : undefined;
  } catch {
    return undefined;
  }
}
