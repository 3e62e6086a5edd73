/** Runs the HTTP server until Ctrl-C. */
import { readServeSettings } from '../../http/settings.ts';
import { startHttpServer } from '../../http/server.ts';
import { openTokens } from '../../http/tokens.ts';
import { type CommonOptions, connect, dataDirectoryOf, interruptSignal } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import type { Output } from '../text/output.ts';

export interface ServeOptions extends CommonOptions {
  listen?: string;
}

const LOOPBACK = /^(127\.|localhost$|::1$)/;

export async function serve(options: ServeOptions, output: Output): Promise<number> {
  const settings = readServeSettings(process.env, options.listen);
  const tokens = openTokens(dataDirectoryOf(options));
  const bobbin = await connect(options);
  try {
    const secret = await tokens.first();
    const onError = (error: unknown) => console.error(error);
    const server = await startHttpServer(bobbin, tokens, settings, onError);
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

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
