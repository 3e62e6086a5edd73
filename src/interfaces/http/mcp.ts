/** MCP over streamable HTTP, at `/mcp`: the tools of `bobbin mcp`, for the holder of a token. */
import { createMcpHandler } from '@modelcontextprotocol/server';
import { createMcpServer } from '../mcp/server.ts';
import { type App, type AppOptions, type Request as AppRequest, authenticate } from './app.ts';
import { HttpProblem } from './problem.ts';
import { readJson } from './request.ts';
import type { Token } from './tokens.ts';

const PATH = '/mcp';

/** Each request is one exchange without a session, so any server can answer it. */
export function addMcp(app: App, options: AppOptions): void {
  const { bobbin, limits, stop, onError } = options;
  const handler = createMcpHandler(
    ({ authInfo }) =>
      createMcpServer({ bobbin, rights: authInfo?.extra?.['token'] as Token, workspace: undefined, onError }),
    { onerror: () => undefined, maxRequestBodySize: options.maxBodyBytes },
  );
  stop.addEventListener('abort', () => void handler.close(), { once: true });
  app.all(PATH, async (c) => {
    const token = authenticate(options, c);
    if (stop.aborted)
      throw new HttpProblem('stopping', 'The server is stopping; another one may answer.', { connection: 'close' });
    const close = limits.openStream(token);
    c.env.outgoing.once('close', close);
    const parsedBody = c.req.method === 'POST' ? await readJson(c.env.incoming, options.maxBodyBytes) : undefined;
    const { id: clientId, scopes } = token;
    const authInfo = { token: '', clientId, scopes: [...scopes], extra: { token } };
    return handler.fetch(toRequest(c), { authInfo, ...(parsedBody === undefined ? {} : { parsedBody }) });
  });
}

/** Its body is read already. Cancelled when the client leaves. */
function toRequest(c: AppRequest): Request {
  const left = new AbortController();
  c.env.outgoing.once('close', () => left.abort());
  const headers = new Headers(c.req.header());
  headers.delete('authorization');
  return new Request(c.req.url, { method: c.req.method, headers, signal: left.signal });
}
