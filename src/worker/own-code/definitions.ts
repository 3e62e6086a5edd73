/** How the operator defines tools and tasks. Definitions are checked when a worker starts. */
import { z } from 'zod';
import { TOOLS } from '../../../activities/tools.ts';
import { MAX_TIMEOUT_MS } from './within-limits.ts';

/** The thread that a tool or a task works for. */
export interface OwnCodeContext {
  threadId: string;
  /** Absolute path of the thread's workspace. */
  cwd: string;
  /**
   * Fires when the turn is stopped, the time is up, or the worker stops. Pass it to everything that waits. Code that has
   * not ended 2 seconds later is left, and the thread says so.
   */
  signal: AbortSignal;
  /** Shows how far it is, to those who watch and in the Temporal UI. Replaces what it was told before. */
  progress: (text: string) => void;
}

export interface OwnTool<S extends z.ZodType = z.ZodType> {
  /** For the model: letters, digits, `_` and `-`, at most 64 characters. */
  name: string;
  /** For the model: what it does and when to use it. */
  description: string;
  /** A zod object. The model gets its JSON schema, and `run` only gets what the schema has accepted. */
  input: S;
  /** It changes nothing. Calls run in parallel, and are repeated if their worker is lost. `false` by default. */
  readOnly?: boolean;
  /** When a call asks for approval: `writes` (by default) unless it is read-only, or `always`, or `never`. */
  approval?: 'never' | 'writes' | 'always';
  /** Milliseconds for one call; a minute by default, an hour at most. */
  timeoutMs?: number;
  /** Bytes of the result that the model gets, from its start and its end; the worker's limit by default. */
  maxOutputBytes?: number;
  /** Returns the result for the model: text, or any JSON. Throw an error with a message that helps the model. */
  run(input: z.output<S>, context: OwnCodeContext): unknown;
}

/** The end of a step of a task. */
export type TaskStepEnd =
  /** Another step follows, with `state`, plain JSON of at most 100,000 characters. */
  { type: 'next'; state: unknown; message?: string } | { type: 'done'; message?: string };

/** What a step of a task gets. */
export interface OwnTaskStep extends OwnCodeContext {
  turnId: string;
  /** The text that came with the turn; empty if there was none. */
  input: string;
  /** Number of the step, from 1. */
  step: number;
  /** What the step before it returned for this one; null for the first. */
  state: unknown;
}

export interface OwnTask {
  /** The `task` of a turn of kind `custom`: letters, digits, `_` and `-`, at most 64 characters. */
  name: string;
  /** Milliseconds for one step; ten minutes by default, an hour at most. */
  timeoutMs?: number;
  /**
   * Runs one step. A step whose worker was lost runs again, so it must be idempotent. An error fails the turn, except a
   * `Failure` with code `taskUnavailable`, after which the step is repeated.
   */
  run(step: OwnTaskStep): TaskStepEnd | PromiseLike<TaskStepEnd>;
}

/** Infers the type of a tool's input from its schema. */
export function defineTool<S extends z.ZodType>(tool: OwnTool<S>): OwnTool<S> {
  return tool;
}

export function defineTask(task: OwnTask): OwnTask {
  return task;
}

/** Some endpoints refuse other names. */
const NameSchema = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/, 'a name of letters, digits, _ and -, at most 64 characters, is needed');
const FunctionSchema = z.custom<(...args: never[]) => unknown>((value) => typeof value === 'function', {
  error: 'a function is needed',
});
const TimeoutSchema = z.int().min(1).max(MAX_TIMEOUT_MS).optional();

const ToolSchema = z.strictObject({
  name: NameSchema.refine((name) => !name.startsWith('mcp__'), {
    error: 'mcp__ is for the tools of MCP servers',
  }).refine((name) => !TOOLS.some((tool) => tool.name === name), { error: 'Bobbin has a tool of this name' }),
  description: z.string().min(1).max(4_000),
  input: z.custom<z.ZodType>(isObjectSchema, { error: 'a zod object is needed, for example z.object({})' }),
  readOnly: z.boolean().optional(),
  approval: z.enum(['never', 'writes', 'always']).optional(),
  timeoutMs: TimeoutSchema,
  maxOutputBytes: z.int().min(200).max(1_000_000).optional(),
  run: FunctionSchema,
});

const TaskSchema = z.strictObject({ name: NameSchema, timeoutMs: TimeoutSchema, run: FunctionSchema });

/** Throws an error that names every fault. */
export function checkTools(tools: unknown): OwnTool[] {
  return checkList('tools', ToolSchema, tools) as OwnTool[];
}

export function checkTasks(tasks: unknown): OwnTask[] {
  return checkList('tasks', TaskSchema, tasks) as OwnTask[];
}

function checkList(member: string, schema: z.ZodType<{ name: string }>, given: unknown): unknown[] {
  const parsed = z.array(schema).safeParse(given);
  if (!parsed.success)
    throw refused(parsed.error.issues.map(({ path, message }) => describe(member, given, path, message)));
  const names = parsed.data.map(({ name }) => name);
  const twice = [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
  if (twice.length > 0) throw refused(twice.map((name) => `${member}: ${name} is defined twice`));
  // Not what was parsed: a class instance keeps its prototype.
  return given as unknown[];
}

function describe(member: string, given: unknown, path: PropertyKey[], message: string): string {
  const [index, ...rest] = path;
  const one: unknown = Array.isArray(given) && typeof index === 'number' ? given[index] : undefined;
  const name = typeof one === 'object' && one !== null && 'name' in one ? ` (${String(one.name)})` : '';
  const place = index === undefined ? member : `${member}[${String(index)}]${name}`;
  return `${[place, ...rest.map(String)].join('.')}: ${message}`;
}

export function refused(problems: readonly string[]): Error {
  return new Error(`The worker cannot be started:\n${problems.join('\n')}`);
}

function isObjectSchema(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || !('_zod' in value)) return false;
  try {
    return z.toJSONSchema(value as z.ZodType, { io: 'input' }).type === 'object';
  } catch {
    return false;
  }
}
