import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultExclude, defineConfig } from 'vitest/config';
import LongestFirst from './test/longest-first.ts';

// No test touches the data folder of the person who runs it.
const dataHome = mkdtempSync(join(tmpdir(), 'bobbin-tests-data-'));
process.on('exit', () => rmSync(dataHome, { recursive: true, force: true }));

/** Tests of what starts processes, git, sandboxes and servers. `docs/testing.md` says which test belongs where. */
const TOUCH_THE_MACHINE = ['src/{adapters,dev}/**/*.test.ts'];

/** They end what hangs. On a busy machine a test that takes seconds alone takes ten times as long. */
const PATIENT = { testTimeout: 60_000, hookTimeout: 60_000 };

export default defineConfig({
  test: {
    // Much of the time is waiting: for deadlines, for workers that come and go.
    maxWorkers: 4,
    sequence: { sequencer: LongestFirst },
    env: { XDG_DATA_HOME: dataHome },
    // Each file has parts and names of its own; what all of them need is loaded once for many of them.
    isolate: false,
    // A poll ends when it is satisfied; the second that is its default is too short for a busy machine.
    expect: { poll: { timeout: 20_000 } },
    reporters: ['default', './test/closing-line.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['{workflows,activities,src,eval}/**/*.test.ts'],
          exclude: [...defaultExclude, ...TOUCH_THE_MACHINE],
          ...PATIENT,
        },
      },
      {
        extends: true,
        test: { name: 'system', include: TOUCH_THE_MACHINE, ...PATIENT },
      },
      {
        extends: true,
        test: {
          name: 'service',
          include: ['test/**/*.test.ts'],
          globalSetup: ['test/temporal.setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
