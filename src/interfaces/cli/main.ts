#!/usr/bin/env node
/** The `bobbin` command. What it is made of is loaded in compiled form where Node keeps that, which halves its start from sources. */
import './node-version.ts';
import { mkdirSync } from 'node:fs';
import module from 'node:module';
import { join } from 'node:path';
import { cacheDirectory } from '../../folders/folders.ts';
import { isOnlyOurs } from '../../folders/private-folder.ts';

const directory = compiledCodeDirectory();
if (directory !== undefined) module.enableCompileCache(directory);
await import('./program.ts');

/** Node's own choice is a folder of that name in /tmp, where whoever comes first decides what is run. */
function compiledCodeDirectory(): string | undefined {
  const path = join(cacheDirectory(process.env), 'compiled');
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return isOnlyOurs(path) ? path : undefined;
  } catch {
    return undefined;
  }
}
