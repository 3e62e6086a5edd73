/** The unit tests of a thread, for the mutation tool, which reads no projects. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: process.cwd(),
    include: ['workflows/thread/**/*.test.ts'],
    // Thousands of random plays for each mutation would take days.
    exclude: ['workflows/thread/guards/**', '**/machine.properties.test.ts', '**/budget-tree.test.ts'],
    maxWorkers: 1,
    testTimeout: 60_000,
  },
});
