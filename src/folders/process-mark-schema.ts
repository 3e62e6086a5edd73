/** Reads a mark from a file. Apart from the marks, since commands that load no schema compare them, too. */
import { z } from 'zod';
import type { ProcessMark } from './process-mark.ts';

export const MarkSchema = z.object({ pid: z.int().min(2), startedAt: z.string() }) satisfies z.ZodType<ProcessMark>;
