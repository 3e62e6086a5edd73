/**
 * Protects servers on this machine from web pages. A page in the person's browser can send requests to any loopback port.
 * With a host name of its own that resolves to 127.0.0.1 (DNS rebinding), it can also read the answers.
 */
import type { IncomingMessage } from 'node:http';

const LOOPBACK_HOST = /^(127(\.\d{1,3}){3}|localhost|\[::1\])(:\d{1,5})?$/i;

/**
 * Returns the reason why a request may come from a page of another origin; undefined if it does not. Programs send neither
 * `Origin` nor `Sec-Fetch-Site`; browsers send one of them with every request except a plain visit.
 */
export function findForeignOrigin({ headers, method = 'GET' }: IncomingMessage): string | undefined {
  const { host = '', origin } = headers;
  if (!LOOPBACK_HOST.test(host)) return `Host ${JSON.stringify(host)} is no name of this machine`;
  if (origin !== undefined && origin.toLowerCase() !== `http://${host.toLowerCase()}`)
    return `a page of ${JSON.stringify(origin)} has no business here`;
  const site = headers['sec-fetch-site'];
  if (site === undefined || site === 'same-origin' || site === 'none') return undefined;
  return isVisit(headers, method)
    ? undefined
    : `a page of another origin (${JSON.stringify(site)}) has no business here`;
}

/** Navigation to one of our pages, which changes nothing and shows the other page nothing. */
function isVisit(headers: IncomingMessage['headers'], method: string): boolean {
  const isDocument = headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
  return isDocument && (method === 'GET' || method === 'HEAD');
}

/** Forms and scripts of other origins can send any other type without a preflight request. */
export function isJson({ headers }: IncomingMessage): boolean {
  return /^application\/json\s*(;|$)/i.test(headers['content-type'] ?? '');
}
