/**
 * The proxy that the worker itself must use, as its environment names it: `HTTPS_PROXY` for port 443, `HTTP_PROXY` for
 * others, `ALL_PROXY` for both, and `NO_PROXY` for hosts without one. Its credentials stay in the worker.
 */
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { connect as connectSecurely } from 'node:tls';

/** Opens a connection to a host. Rejects with an error that names no credentials. */
export type Reach = (host: string, port: number) => Promise<Socket>;

interface Upstream {
  host: string;
  port: number;
  isSecure: boolean;
  authorization: string | undefined;
}

/** The longest delay of a command by a proxy that does not answer. */
const ANSWER_MS = 30_000;

/** Throws if a proxy has an unknown form, without repeating it. */
export function createReach(env: NodeJS.ProcessEnv): Reach {
  const [forHttps, forOthers] = ['HTTPS_PROXY', 'HTTP_PROXY'].map(
    (name) => readUpstream(env, name) ?? readUpstream(env, 'ALL_PROXY'),
  );
  const isDirect = readExceptions(valueOf(env, 'NO_PROXY') ?? '');
  return async (host, port) => {
    const upstream = port === 443 ? forHttps : forOthers;
    if (upstream === undefined || isDirect(host, port)) return opened(connect({ host, port, autoSelectFamily: true }));
    return tunnelThrough(upstream, `${host}:${String(port)}`);
  };
}

/** Lower case takes precedence, as for curl. */
function valueOf(env: NodeJS.ProcessEnv, name: string): string | undefined {
  return env[name.toLowerCase()] || env[name] || undefined;
}

function readUpstream(env: NodeJS.ProcessEnv, name: string): Upstream | undefined {
  const value = valueOf(env, name);
  if (value === undefined) return undefined;
  const text = value.includes('://') ? value : `http://${value}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol) || url.hostname === '')
    throw new Error(`${name} of the worker does not name a proxy for HTTP`);
  const isSecure = url.protocol === 'https:';
  const user = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port || (isSecure ? 443 : 80)),
    isSecure,
    authorization: user === ':' ? undefined : `Basic ${Buffer.from(user).toString('base64')}`,
  };
}

/** `*`, or names with all below them, each with a port or without one. */
function readExceptions(list: string): (host: string, port: number) => boolean {
  const words = list.toLowerCase().split(/[\s,]+/);
  const exceptions = words.filter(Boolean).map((word) => {
    const [, name = '', port] = /^(?:\*?\.)?(.*?)(?::(\d+))?$/.exec(word) ?? [];
    return { name, port: port === undefined ? undefined : Number(port) };
  });
  return (host, port) =>
    exceptions.some((one) => {
      const isNamed = one.name === '*' || host === one.name || host.endsWith(`.${one.name}`);
      return isNamed && (one.port === undefined || one.port === port);
    });
}

async function tunnelThrough({ host, port, isSecure, authorization }: Upstream, path: string): Promise<Socket> {
  const proxy = await opened(isSecure ? connectSecurely({ host, port, servername: host }) : connect({ host, port }));
  return new Promise((resolve, reject) => {
    const headers = { host: path, ...(authorization === undefined ? {} : { 'proxy-authorization': authorization }) };
    const asked = request({ method: 'CONNECT', path, headers, createConnection: () => proxy });
    const refuse = (reason: string): void => {
      proxy.destroy();
      reject(new Error(`the proxy of the worker ${reason}`));
    };
    const timer = setTimeout(() => refuse('does not answer'), ANSWER_MS);
    asked.once('connect', ({ statusCode }, socket: Socket, head) => {
      clearTimeout(timer);
      if (head.length > 0) socket.unshift(head);
      if (statusCode === 200) resolve(socket);
      else refuse(`answered ${String(statusCode)}`);
    });
    asked.once('error', () => {
      clearTimeout(timer);
      refuse('ended the connection');
    });
    asked.end();
  });
}

function opened(socket: Socket): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const event = 'encrypted' in socket ? 'secureConnect' : 'connect';
    socket.once('error', reject);
    socket.once(event, () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}
