/** Runs the HTTP server until Ctrl-C, and manages its tokens. */
import { inspect } from 'node:util';
import { BobbinError } from '../../../client/bobbin-error.ts';
import { connectTarget } from '../../../dev/temporal-service/run/connect-target.ts';
import { readServeSettings } from '../../http/settings.ts';
import { startHttpServer } from '../../http/server.ts';
import { openTokens, toScopes } from '../../http/tokens.ts';
import { type CommonOptions, connect, dataDirectoryOf, interruptSignal, runningStack } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { columns } from '../text/columns.ts';
import { type Output, printProblem } from '../text/output.ts';

export interface ServeOptions extends CommonOptions {
  listen?: string;
  temporalUi?: string;
}

export interface AddTokenOptions extends CommonOptions {
  scope?: string[];
  owner?: string;
}

const LOOPBACK = /^(127\.|localhost$|::1$)/;

export async function serve(options: ServeOptions, output: Output): Promise<number> {
  const settings = readServeSettings(process.env, options);
  const tokens = openTokens(dataDirectoryOf(options));
  const temporalUiUrl = settings.temporalUiUrl ?? (await uiOfStack(options));
  const bobbin = await connect(options);
  try {
    const secret = await tokens.first();
    const onError = (error: unknown) => printProblem([inspect(error)]);
    const server = await startHttpServer(bobbin, tokens, { ...settings, temporalUiUrl }, onError);
    const { url } = server;
    const page = secret === undefined ? url : `${url}/#token=${secret}`;
    output.result({ url, page, tokens: tokens.path }, [
      `Listening on ${url}. The API is described at ${url}/docs.`,
      ...(secret === undefined
        ? [`Tokens: ${tokens.path} has their hashes; \`bobbin serve token add\` makes another one.`]
        : [`Your address, with the token that only you can read:`, `  ${page}`]),
      ...(LOOPBACK.test(settings.host)
        ? []
        : ['Other machines can reach it, and it does not encrypt: put a proxy with TLS in front.']),
    ]);
    await aborted(interruptSignal());
    await server.stop();
    return EXIT.ok;
  } finally {
    await bobbin.close();
  }
}

/** That of the stack that is served. Null for another service. */
async function uiOfStack(options: CommonOptions): Promise<string | null> {
  return connectTarget(process.env) === undefined ? (await runningStack(options)).uiUrl : null;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

export async function addToken(name: string, options: AddTokenOptions, output: Output): Promise<number> {
  const scopes = toScopes(options.scope ?? ['read']);
  const tokens = openTokens(dataDirectoryOf(options));
  const { token, secret } = await tokens.add({ name, scopes, owner: options.owner ?? null });
  output.result({ id: token.id, secret }, [secret]);
  return EXIT.ok;
}

export function listTokens(options: CommonOptions, output: Output): Promise<number> {
  const shown = openTokens(dataDirectoryOf(options))
    .list()
    .map(({ hash: _, ...token }) => token);
  const rows = shown.map(({ id, name, scopes, owner, createdAt }) => [
    id,
    name,
    scopes.join(' '),
    owner ?? '-',
    createdAt,
  ]);
  output.result(
    shown,
    rows.length === 0 ? ['no tokens'] : columns([['id', 'name', 'scopes', 'owner', 'made'], ...rows]),
  );
  return Promise.resolve(EXIT.ok);
}

export async function removeToken(id: string, options: CommonOptions, output: Output): Promise<number> {
  const removed = await openTokens(dataDirectoryOf(options)).remove(id);
  if (!removed) throw new BobbinError('invalid', `There is no token ${id}. \`bobbin serve token list\` lists them.`);
  output.result({ id }, [`Token ${id} is removed.`]);
  return EXIT.ok;
}
