#!/usr/bin/env node
/** The `bobbin` command. What it is made of is loaded in compiled form where Node keeps that, which halves its start from sources. */
import module from 'node:module';

// Node before 22.1 has none.
const { enableCompileCache } = module as { enableCompileCache?: () => unknown };
enableCompileCache?.();
await import('./program.ts');
