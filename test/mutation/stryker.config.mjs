/** Mutations of the pure core: `npm run test:mutation -- --mutate workflows/thread/machine/queue.ts`. See docs/testing.md. */
export default {
  plugins: ['./test/mutation/runner.ts'],
  testRunner: 'in-process',
  mutate: ['workflows/thread/**/*.ts', '!workflows/thread/{shell,testing,guards}/**', '!workflows/thread/**/*.test.ts'],
  // What the tests of a thread import.
  ignorePatterns: [
    '**',
    '!workflows/**',
    '!activities/**',
    '!src/**',
    '!test/mutation/**',
    '!docs/payloads.md',
    '!package.json',
    '!tsconfig.json',
  ],
  // Words for people and models; a comparison with a string is mutated in other ways, too.
  mutator: { excludedMutations: ['StringLiteral'] },
  coverageAnalysis: 'perTest',
  // A module is evaluated once; with a mutation of a constant, all tests would have to run.
  ignoreStatic: true,
  concurrency: 1,
  // The runner leaves loops itself. A run on a busy machine that takes long must not count as one.
  timeoutMS: 60_000,
  timeoutFactor: 3,
  reporters: ['clear-text', 'json'],
  jsonReporter: { fileName: 'node_modules/.cache/mutation/report.json' },
  clearTextReporter: { allowColor: false, reportTests: false, logTests: false },
  tempDirName: 'node_modules/.cache/mutation/sandbox',
  allowEmpty: false,
  checkers: [],
};
