/** The form of an endpoint. The server and the OpenAPI document are both made from the same list. */
import type { z } from 'zod';
import type { Bobbin, ThreadHandle } from '../../client/index.ts';
import type { ImageType } from '../../contract/index.ts';
import type { ProblemCode } from './problem.ts';
import type { Upload } from './request.ts';
import type { EventWriter } from './event-stream.ts';
import type { Scope, Token } from './tokens.ts';

type Names<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}` ? Name | Names<Rest> : never;

export interface Call<Path extends string, Query, Body> {
  readonly bobbin: Bobbin;
  /** For links to workflows; null if it is not known. */
  readonly temporalUiUrl: string | null;
  readonly token: Token;
  readonly params: Readonly<Record<Names<Path>, string>>;
  readonly query: Query;
  readonly body: Body;
  /** The body of an upload; empty for other endpoints. */
  readonly bytes: Uint8Array;
  /** Fires when the client has left, or the server stops. */
  readonly signal: AbortSignal;
  /** The value of the header `Last-Event-ID`. */
  readonly lastEventId: string | undefined;
  /** The thread of the address. Rejects with `threadNotFound` if it belongs to another owner. */
  readonly thread: () => Promise<ThreadHandle>;
  /** The same, with Temporal's status of its workflow. */
  readonly find: () => Promise<{ thread: ThreadHandle; status: string }>;
}

export type Answer =
  | { type: 'json'; status?: 200 | 201 | 202; value: unknown }
  | { type: 'none' }
  | { type: 'image'; mediaType: ImageType; bytes: Uint8Array }
  | { type: 'file'; mediaType: string; name: string; text: string }
  | { type: 'events'; write: (writer: EventWriter) => Promise<void> };

export interface Endpoint {
  method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  path: string;
  tag: string;
  summary: string;
  description?: string;
  scope: Scope;
  /** Things that have no owner: a token with an owner may not use them. */
  withoutOwner: boolean;
  query?: z.ZodType;
  body?: z.ZodType;
  /** The body is a file, and no JSON. */
  upload?: Upload;
  answers: readonly AnswerShape[];
  problems: readonly ProblemCode[];
  run(call: Call<string, unknown, unknown>): Promise<Answer>;
}

export interface AnswerShape {
  status: 200 | 201 | 202 | 204;
  says: string;
  mediaType?: string;
  schema?: object;
}

interface Definition<Path extends string, Query, Body> extends Omit<
  Endpoint,
  'path' | 'withoutOwner' | 'query' | 'body' | 'run'
> {
  path: Path;
  withoutOwner?: true;
  query?: z.ZodType<Query>;
  body?: z.ZodType<Body>;
  run(call: Call<Path, Query, Body>): Promise<Answer>;
}

/** Ties the types of address, query and body to its function. */
export function endpoint<const Path extends string, Query = undefined, Body = undefined>(
  definition: Definition<Path, Query, Body>,
): Endpoint {
  return { withoutOwner: false, ...definition };
}

export const json = (value: unknown, status: 200 | 201 | 202 = 200): Answer => ({ type: 'json', status, value });
export const NOTHING: Answer = { type: 'none' };
/** Of an endpoint that answers with nothing. */
export const DONE: AnswerShape = { status: 204, says: 'Done.' };
