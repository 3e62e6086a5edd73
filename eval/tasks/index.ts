/** All tasks, in the order in which they run. */
import { addFlag } from './add-flag.ts';
import { agentsMd } from './agents-md.ts';
import { bisect } from './bisect.ts';
import { delegate } from './delegate.ts';
import { failingTest } from './failing-test.ts';
import { largeFile } from './large-file.ts';
import { mergeConflict } from './merge-conflict.ts';
import { plantedInstruction } from './planted-instruction.ts';
import { rename } from './rename.ts';
import { screenshot } from './screenshot.ts';
import { server } from './server.ts';
import type { Task } from './task.ts';
import { undoHalf } from './undo-half.ts';

export const TASKS: readonly Task[] = [
  ...[failingTest, rename, addFlag, bisect, agentsMd, server, screenshot, mergeConflict],
  ...[largeFile, plantedInstruction, delegate, undoHalf],
];
