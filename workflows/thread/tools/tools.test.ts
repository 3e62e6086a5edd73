import { expect, test } from 'vitest';
import { TOOLS } from '../../../activities/tools.ts';
import { toolNamed } from './index.ts';

test.each(TOOLS.map((tool) => [tool.name, tool] as const))(
  'a thread knows what to do with calls of %s',
  (name, told) => {
    expect(toolNamed(name)?.definition).toBe(told);
  },
);
