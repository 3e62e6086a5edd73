/** The HTTP application: checks who asks, reads the request, runs the endpoint, writes its answer or the problem. */
import type { ServerResponse } from 'node:http';
import type { HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { type Context, Hono } from 'hono';
import { BobbinError } from '../../client/bobbin-error.ts';
import type { Bobbin, ThreadHandle } from '../../client/index.ts';
import { IdSchema } from '../../contract/shapes.ts';
import { type Answer, type Call, type Endpoint, json } from './endpoint.ts';
import { writeEvents } from './event-stream.ts';
import { SAFE_HEADERS, refuseForeign } from './guard.ts';
import type { Limits } from './limits.ts';
import { HttpProblem, PROBLEM_TYPE, toProblem } from './problem.ts';
import { parse, readJson, readUpload } from './request.ts';
import { type Rights, type Token, type TokenFile, allows } from './tokens.ts';

export interface AppOptions {
  bobbin: Bobbin;
  endpoints: readonly Endpoint[];
  tokens: TokenFile;
  limits: Limits;
  hostNames: ReadonlySet<string>;
  temporalUiUrl: string | null;
  maxBodyBytes: number;
  /** How long a client may take nothing of a stream, in milliseconds. */
  patienceMs: number;
  /** Fires when the server stops. */
  stop: AbortSignal;
  /** Called for each answer to a request with a valid token, before it is sent. */
  onUse: (response: ServerResponse) => void;
  /** Gets errors that are the server's own. */
  onError: (error: unknown) => void;
}

export type App = Hono<{ Bindings: HttpBindings }>;
export type Request = Context<{ Bindings: HttpBindings }>;

export function createApp(options: AppOptions): App {
  const app: App = new Hono();
  app.use(async (c, next) => {
    refuseForeign(c.env.incoming, options.hostNames);
    await next();
    for (const [name, value] of Object.entries(SAFE_HEADERS)) if (!c.res.headers.has(name)) c.header(name, value);
  });
  for (const one of options.endpoints) app.on(one.method, toHonoPath(one.path), (c) => serve(options, one, c));
  refuseOtherMethods(app, options);
  app.all('/v1/*', (c) => {
    authenticate(options, c);
    throw new HttpProblem('routeNotFound', `There is no ${c.req.path}. GET /openapi.json lists all addresses.`);
  });
  app.notFound((c) => problemOf(new HttpProblem('routeNotFound', `There is no ${c.req.path}.`), c));
  app.onError((error, c) => {
    const answer = problemOf(error, c);
    // A client that leaves while its request is read is not an error of the server.
    if (answer.status === 500 && !c.env.incoming.readableAborted) options.onError(error);
    return answer;
  });
  return app;
}

function refuseOtherMethods(app: App, options: AppOptions): void {
  for (const path of new Set(options.endpoints.map((one) => one.path))) {
    const methods = options.endpoints.filter((one) => one.path === path).map(({ method }) => method.toUpperCase());
    const allow = [...methods, ...(methods.includes('GET') ? ['HEAD'] : [])].join(', ');
    app.all(toHonoPath(path), (c) => {
      authenticate(options, c);
      throw new HttpProblem('methodNotAllowed', `${path} supports ${allow}.`, { allow });
    });
  }
}

async function serve(options: AppOptions, one: Endpoint, c: Request): Promise<Response> {
  const token = authenticate(options, c);
  if (options.stop.aborted)
    throw new HttpProblem('stopping', 'The server is stopping; another one may answer.', { connection: 'close' });
  if (!allows(token, one.scope)) throw scopeMissing(one.scope);
  if (one.withoutOwner && token.owner !== null)
    throw new HttpProblem(
      'ownerRestricted',
      `This belongs to no owner, so a token for the owner ${token.owner} may not use it.`,
    );
  const answer = await one.run(await toCall(options, one, token, c));
  return write(options, answer, token, c);
}

export function scopeMissing(scope: string): HttpProblem {
  return new HttpProblem('scopeMissing', `The token lacks the scope ${scope}.`);
}

export function authenticate({ tokens, limits, onUse }: AppOptions, c: Request): Token {
  const [, secret] = /^Bearer +(\S+)$/i.exec(c.req.header('authorization') ?? '') ?? [];
  const token = secret === undefined ? undefined : findToken(tokens, secret);
  limits.countRequest(token);
  if (token === undefined) {
    const detail =
      'Send `Authorization: Bearer` and a token that `bobbin serve` has printed or `bobbin serve token add` has made.';
    throw new HttpProblem('unauthorized', detail, { 'www-authenticate': 'Bearer realm="bobbin"' });
  }
  onUse(c.env.outgoing);
  return token;
}

/** A file that cannot be read is the operator's business, not the client's. */
function findToken(tokens: TokenFile, secret: string): Token | undefined {
  try {
    return tokens.find(secret);
  } catch (error) {
    throw new Error((error as Error).message, { cause: error });
  }
}

const NO_BYTES = new Uint8Array();

async function toCall(
  { bobbin, maxBodyBytes, temporalUiUrl, stop }: AppOptions,
  one: Endpoint,
  token: Token,
  c: Request,
): Promise<Call<string, unknown, unknown>> {
  const { incoming, outgoing } = c.env;
  const params: Record<string, string> = {};
  for (const [name, value] of Object.entries(c.req.param() as Record<string, string>))
    params[name] = parse(IdSchema, value, name);
  const query = one.query === undefined ? undefined : parse(one.query, readQuery(c), 'query');
  const body = one.body === undefined ? undefined : parse(one.body, await readJson(incoming, maxBodyBytes), 'body');
  const bytes = one.upload === undefined ? NO_BYTES : await readUpload(incoming, one.upload);
  const find = () => openOwn(bobbin, token, params['threadId'] ?? '');
  const left = new AbortController();
  outgoing.once('close', () => left.abort());
  return {
    bobbin,
    temporalUiUrl,
    token,
    params,
    query,
    body,
    bytes,
    signal: AbortSignal.any([left.signal, stop]),
    lastEventId: c.req.header('last-event-id'),
    find,
    thread: async () => (await find()).thread,
  };
}

/** Repeated members are refused: which of them counts is a matter of taste. */
function readQuery(c: Request): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, values] of Object.entries(c.req.queries())) {
    if (values.length !== 1) throw new BobbinError('invalid', `query: ${name} is given ${values.length} times.`);
    found[name] = values[0] ?? '';
  }
  return found;
}

/** The answer is the same whether a thread does not exist or belongs to another owner. */
export async function openOwn(
  { threads }: Bobbin,
  { owner }: Rights,
  threadId: string,
): Promise<{ thread: ThreadHandle; status: string }> {
  const found = await threads.describe(threadId).catch((error: unknown) => {
    if (error instanceof BobbinError && error.code === 'threadNotFound') return undefined;
    throw error;
  });
  if (found !== undefined && (owner === null || found.owner === owner))
    return { thread: threads.get(threadId), status: found.status };
  throw new BobbinError('threadNotFound', `There is no thread ${threadId}, or Temporal no longer keeps it.`);
}

/** The answer to a new thread. The open thread with its id may belong to another owner. */
export async function openNew(bobbin: Bobbin, token: Token, threadId: string): Promise<Answer> {
  const { owner } = await bobbin.threads.describe(threadId);
  if (token.owner === null || token.owner === owner) return json({ threadId }, 201);
  throw new BobbinError('threadExists', `A thread ${threadId} exists; use another id.`);
}

async function write(options: AppOptions, answer: Answer, token: Token, c: Request): Promise<Response> {
  switch (answer.type) {
    case 'json':
      return c.json(answer.value as object, answer.status ?? 200);
    case 'none':
      return c.body(null, 204);
    case 'image':
      // Its type is one of four. Even in a tab of its own it could load and run nothing.
      return c.body(Buffer.from(answer.bytes), 200, {
        'content-type': answer.mediaType,
        'content-disposition': 'attachment',
        'content-security-policy': "default-src 'none'; sandbox; frame-ancestors 'none'",
      });
    case 'file':
      return c.body(answer.text, 200, {
        'content-type': answer.mediaType,
        'content-disposition': `attachment; filename="${answer.name}"`,
      });
    case 'events': {
      const closeStream = options.limits.openStream(token);
      const { patienceMs, stop } = options;
      const isAllowed = () => options.tokens.has(token);
      try {
        await writeEvents(c.env.outgoing, { patienceMs, stop, isAllowed }, answer.write);
      } catch (error) {
        options.onError(error);
      } finally {
        closeStream();
      }
      return RESPONSE_ALREADY_SENT;
    }
  }
}

function problemOf(error: unknown, c: Request): Response {
  const { problem, headers } = toProblem(error);
  return c.body(JSON.stringify(problem), problem.status as 400, {
    ...SAFE_HEADERS,
    ...headers,
    'content-type': PROBLEM_TYPE,
  });
}

function toHonoPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1');
}
