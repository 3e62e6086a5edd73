/** The form of a tool. */
import type { CallToolResult, ServerContext } from '@modelcontextprotocol/server';
import type { z } from 'zod';
import { IdSchema } from '../../contract/shapes.ts';
import type { Scope } from '../http/tokens.ts';

export const threadId = IdSchema.describe('Id of the thread');

export interface Tool<Input> {
  scope: Scope;
  description: string;
  input: z.ZodType<Input>;
  readOnly?: true;
  destructive?: true;
  run: (input: Input, context: ServerContext) => Promise<CallToolResult>;
}

/** Ties the type of the input to its function. */
export const tool = <Input>(definition: Tool<Input>) => definition as unknown as Tool<never>;
