#!/usr/bin/env node
/** The `bobbin` command. */
import './node-version.ts';
import '../../folders/start-up.ts';

await import('./program.ts');
