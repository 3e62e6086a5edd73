#!/usr/bin/env node
/** The `bobbin` command. */
import './node-version.ts';
import '../../folders/start-up.ts';
import { endWhenOutputCloses } from './closed-output.ts';
import { folderBehindNpm } from './invocation.ts';

const folder = folderBehindNpm(process.env);
if (folder !== undefined) process.chdir(folder);
endWhenOutputCloses();
await import('./program.ts');
