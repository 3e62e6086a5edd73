/** The order of the test files: without results of an earlier run, vitest begins with the largest files. */
import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Small files that take long. One that begins last would keep one worker busy while the others have nothing to do. */
const LONG = [
  'test/hosts/fetched-targets.test.ts',
  'test/hosts/lost-twice.test.ts',
  'test/escape/escape.test.ts',
  'test/project/package.test.ts',
  'test/project/adding-compiles.test.ts',
  'test/reviews/still-there.test.ts',
  'test/threads/durability.test.ts',
  'test/threads/drain.test.ts',
  'test/threads/rules.test.ts',
  'test/threads/identity-expiry.test.ts',
  'test/kill/kinds.test.ts',
  'test/threads/query-ahead.test.ts',
  'test/threads/compaction-view.test.ts',
];

export default class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const rank = ({ moduleId }: TestSpecification) => {
      const index = LONG.indexOf(relative(this.ctx.config.root, moduleId));
      return index === -1 ? LONG.length : index;
    };
    return sorted.toSorted((a, b) => rank(a) - rank(b));
  }
}
