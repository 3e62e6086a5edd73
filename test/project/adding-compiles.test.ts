/** A copy with the tool and the kind that the documentation adds. To compile it takes as long as the whole build, so once for both. */
import { rmSync } from 'node:fs';
import { onTestFinished, test, expect } from 'vitest';
import { KIND_FILES, KIND_LINES } from './added-kind.ts';
import { TOOL_FILES, TOOL_LINES } from './added-tool.ts';
import { compile, makeChangedCopy } from './changed-copy.ts';

/** Half a minute on a quiet machine. */
const COMPILE_MS = 600_000;

test('a copy with a new tool and a new kind compiles', { timeout: COMPILE_MS }, () => {
  const copy = makeChangedCopy({ ...TOOL_FILES, ...KIND_FILES }, [...TOOL_LINES, ...KIND_LINES]);
  onTestFinished(() => rmSync(copy, { recursive: true, force: true }));
  expect(compile(copy)).toEqual({ stdout: '', status: 0 });
});
