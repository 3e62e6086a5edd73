#!/usr/bin/env node
/** The `bobbin` command. Node caches the compiled code of what it loads, which halves the start from sources. */
import './node-version.ts';
import { mkdirSync } from 'node:fs';
import module from 'node:module';
import { join } from 'node:path';
import { cacheDirectory } from '../../folders/folders.ts';
import { isOnlyOurs } from '../../folders/private-folder.ts';

const directory = compiledCodeDirectory();
if (directory !== undefined) module.enableCompileCache(directory);
await import('./program.ts');

/** Node's default is a folder in /tmp, where another user could create it first and decide what is run. */
function compiledCodeDirectory(): string | undefined {
  const path = join(cacheDirectory(process.env), 'compiled');
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return isOnlyOurs(path) ? path : undefined;
  } catch {
    return undefined;
  }
}
