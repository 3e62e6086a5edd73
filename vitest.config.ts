import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['workflows/**/*.test.ts', 'activities/**/*.test.ts', 'src/**/*.test.ts'],
          testTimeout: 20_000,
        },
      },
    ],
  },
});
