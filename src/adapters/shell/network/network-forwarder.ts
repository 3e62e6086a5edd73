/**
 * Connects a command in its own network namespace with the proxy of the worker: a small program that listens on a port
 * there, forwards everything to the socket of the proxy, and runs the command as its child.
 */
import { realpathSync } from 'node:fs';

/** Where the socket of the proxy is in the sandbox. */
export const PROXY_SOCKET = '/run/bobbin-proxy.sock';
/** The namespace has no other programs, so the port is free. */
const PORT = 3128;

const FORWARDER = `
const net = require('node:net');
const { spawn } = require('node:child_process');
const { constants } = require('node:os');
const [kept, program, ...args] = process.argv.slice(1);
const stdio = Array.from({ length: Number(kept) + 1 }, (_, fd) => (fd < 3 || fd === Number(kept) ? fd : 'ignore'));
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => undefined);
const server = net.createServer((client) => {
  const proxy = net.connect('${PROXY_SOCKET}');
  for (const [one, other] of [[client, proxy], [proxy, client]]) one.on('error', () => other.destroy()).pipe(other);
});
server.listen(${PORT}, '127.0.0.1', () => {
  const child = spawn(program, args, { stdio });
  child.on('error', () => process.exit(127));
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
});
`;

/**
 * The arguments before a command.
 * @param kept a descriptor that the command gets, in addition to the standard ones.
 */
export function toForwarder(kept: number | undefined): string[] {
  return [realpathSync(process.execPath), '-e', FORWARDER, '--', String(kept ?? 2)];
}

/** The variables by which programs find the proxy. */
export function toProxyVariables(): Record<string, string> {
  const address = `http://127.0.0.1:${PORT}`;
  const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy', 'all_proxy'];
  const here = 'localhost,127.0.0.1,::1';
  return {
    ...Object.fromEntries(names.map((name) => [name, address])),
    ...{ NO_PROXY: here, no_proxy: here, NODE_USE_ENV_PROXY: '1' },
  };
}
