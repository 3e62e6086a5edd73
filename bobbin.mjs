#!/usr/bin/env node
/** Runs the `bobbin` command from its sources. In plain JavaScript, since an older Node.js reads no TypeScript. */
import process from 'node:process';

if (!process.features.typescript) {
  process.stderr.write(
    `bobbin runs from its sources on Node.js 22.18 or later, and this is Node.js ${process.versions.node}. Install Node.js 24 ` +
      '(https://nodejs.org), or run `npm run bobbin --`, which installs its own Node.js.\n',
  );
  process.exit(1);
}
await import('./src/interfaces/cli/main.ts');
