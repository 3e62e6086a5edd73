/** The page of `bobbin dev`: the server of `bobbin serve`, in the process of the stack and on a port that is free. */
import { type Bobbin, BobbinError, connectBobbin } from '../../../client/index.ts';
import type { PagePart, StackAddresses } from '../../../dev/stack.ts';
import { connectTarget } from '../../../dev/temporal-service/run/connect-target.ts';
import { archiveIn } from '../command.ts';
import { type HttpServer, startHttpServer } from '../../http/server.ts';
import { type ServeSettings, readServeSettings } from '../../http/settings.ts';
import { type TokenFile, openTokens } from '../../http/tokens.ts';
import { readVariable } from '../../../folders/variables.ts';

/** `bobbin serve` has the one before it. */
const FIRST_PORT = 7421;
const PORTS_TRIED = 100;

/** If it cannot start, its text is the reason. */
export async function startPage(
  stack: Omit<StackAddresses, 'pageUrl'>,
  dataDirectory: string,
  onProgress: (line: string) => void,
): Promise<PagePart> {
  const name = 'Page';
  try {
    const settings = readServeSettings({
      ...process.env,
      ...(stack.uiUrl === null ? {} : { TEMPORAL_UI_URL: stack.uiUrl }),
    });
    const tokens = openTokens(dataDirectory);
    const bobbin = await connectToStack(stack, dataDirectory);
    const onError = (error: unknown) =>
      onProgress(`The page: ${error instanceof Error ? error.message : String(error)}`);
    const server = await startOnFreePort(bobbin, tokens, settings, onError).catch(async (error: unknown) => {
      await bobbin.close();
      throw error;
    });
    const stop = async (): Promise<void> => {
      await server.stop();
      await bobbin.close();
    };
    return { name, text: await addressWithToken(server.url, dataDirectory), pageUrl: server.url, stop };
  } catch (error) {
    const text = `none: ${error instanceof Error ? error.message : String(error)}`;
    return { name, text, pageUrl: null, stop: () => Promise.resolve() };
  }
}

/** A port that is set is used as it is. */
async function startOnFreePort(
  bobbin: Bobbin,
  tokens: TokenFile,
  settings: ServeSettings,
  onError: (error: unknown) => void,
): Promise<HttpServer> {
  const isGiven = readVariable(process.env, 'BOBBIN_HTTP_LISTEN') !== undefined;
  for (let port = FIRST_PORT; ; port += 1) {
    try {
      return await startHttpServer(bobbin, tokens, isGiven ? settings : { ...settings, port }, onError);
    } catch (error) {
      if (isGiven || !isInUse(error) || port >= FIRST_PORT + PORTS_TRIED - 1) throw error;
    }
  }
}

function isInUse(error: unknown): boolean {
  return error instanceof BobbinError && (error.cause as NodeJS.ErrnoException | undefined)?.code === 'EADDRINUSE';
}

/** With the token of the first start, unless it was removed. */
export async function addressWithToken(url: string, dataDirectory: string): Promise<string> {
  const secret = await openTokens(dataDirectory).first();
  return secret === undefined ? url : `${url}/#token=${secret}`;
}

/** @param dataDirectory of the stack, with its archive */
export function connectToStack(
  { address, namespace, taskQueue }: Omit<StackAddresses, 'pageUrl'>,
  dataDirectory: string,
): Promise<Bobbin> {
  return connectBobbin({
    archive: archiveIn(dataDirectory),
    // A configured service may need TLS or a key.
    connection: connectTarget(process.env)?.connectionOptions ?? { address },
    namespace,
    taskQueue,
  });
}
