/**
 * A tool of the project: its description for the model, and the reader of its calls. One file of this folder for each
 * tool.
 */
export interface ToolDefinition<A extends object = object> {
  name: string;
  description: string;
  /** JSON schema of an object. A model may ignore it, so `read` checks everything. */
  parameters: Record<string, unknown>;
  /** Set if the argument `input` is all that the tool needs: some endpoints take it as text in this form instead of JSON. */
  freeform?: Grammar;
  offeredTo: Audience;
  /** The arguments of a call, checked and cut to their limits. */
  read: (fields: Fields) => A | InvalidCall;
}

export interface Grammar {
  syntax: 'lark';
  definition: string;
}

/** `threads`: every thread that is not a review. `parents`: only those that may start agents. */
export type Audience = 'threadsAndReviews' | 'threads' | 'parents';

export type Fields = Record<string, unknown>;

/** The reason is written for the model. */
export interface InvalidCall {
  invalid: string;
}

export function isInvalid(read: object): read is InvalidCall {
  return 'invalid' in read;
}

export function readCall<A extends object>({ name, read }: ToolDefinition<A>, json: string): A | InvalidCall {
  const fields = toFields(json);
  return fields === null ? notAnObject(name) : read(fields);
}

/** The arguments of a call of any tool; null if they are not a JSON object. */
export function toFields(json: string): Fields | null {
  try {
    const value: unknown = JSON.parse(json === '' ? '{}' : json);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null;
  } catch {
    return null;
  }
}

export function notAnObject(name: string): InvalidCall {
  return { invalid: `${name}: the arguments are not a JSON object.` };
}
