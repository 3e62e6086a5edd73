/**
 * Keeps web pages away from servers on this machine. A page that is open in the person's browser can send requests to
 * any port of loopback, and by a name of its own that leads to 127.0.0.1 (DNS rebinding) it can read the answers, too.
 */
import type { IncomingMessage } from 'node:http';

const LOOPBACK_HOST = /^(127(\.\d{1,3}){3}|localhost|\[::1\])(:\d{1,5})?$/i;

/**
 * Why a request may come from a page of another origin; undefined if it does not. Programs send no `Origin` and no
 * `Sec-Fetch-Site`; browsers always send one of them with a request that is not a plain visit.
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

/** Following a link to a page of ours, which changes nothing and shows the other page nothing. */
function isVisit(headers: IncomingMessage['headers'], method: string): boolean {
  const isDocument = headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
  return isDocument && (method === 'GET' || method === 'HEAD');
}

/** A form or a script of another origin can send every other type without asking first. */
export function isJson({ headers }: IncomingMessage): boolean {
  return /^application\/json\s*(;|$)/i.test(headers['content-type'] ?? '');
}
