/**
 * Refuses requests that a web page of another origin can make a browser send, or read the answers of by a host name that
 * resolves to this machine, and sets the headers of every answer.
 */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { HttpProblem } from './problem.ts';

const LOOPBACK = /^(127(\.\d{1,3}){3}|localhost|\[::1\])(:\d{1,5})?$/;

/** @param names host names, besides those of loopback, under which a proxy may reach this server: `bobbin.example.com` */
export function refuseForeign(request: IncomingMessage, names: ReadonlySet<string>): void {
  const { headers } = request;
  const host = hostOf(request);
  const isLoopback = LOOPBACK.test(host);
  if (!isLoopback && !names.has(host.replace(/:\d{1,5}$/, '')) && !names.has(host))
    throw new HttpProblem('foreignOrigin', `Host ${JSON.stringify(host)} is not a name of this server.`);
  const origin = headers.origin?.toLowerCase();
  if (origin !== undefined && origin !== `https://${host}` && !(isLoopback && origin === `http://${host}`))
    throw new HttpProblem('foreignOrigin', `A page of ${JSON.stringify(origin)} may not use this server.`);
  const site = headers['sec-fetch-site'];
  if (site === undefined || site === 'same-origin' || site === 'none' || isVisit(headers)) return;
  throw new HttpProblem('foreignOrigin', 'A page of another origin may not use this server.');
}

/** A request that names several hosts may mean another one to a proxy in front of this server. */
function hostOf({ headersDistinct, url = '' }: IncomingMessage): string {
  const authority = /^[a-z][a-z\d+.-]*:\/\/([^/?#]*)/i.exec(url)?.[1];
  const named = [...(headersDistinct.host ?? []), ...(authority === undefined ? [] : [authority])];
  const [host = '', ...others] = new Set(named.map((name) => name.toLowerCase()));
  if (others.length === 0) return host;
  throw new HttpProblem('foreignOrigin', 'The request names several hosts.');
}

/** A link to a page. It has no token, so it shows only what everybody may see. */
function isVisit(headers: IncomingHttpHeaders): boolean {
  return headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
}

const PAGE_POLICY = [
  ...["default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data: blob:", "font-src 'self'"],
  ...["require-trusted-types-for 'script'", "trusted-types 'none'"],
  ...["connect-src 'self'", "manifest-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
].join('; ');

/** Of every answer. No page can load anything from elsewhere, run a script that is written into it, or make text HTML. */
export const SAFE_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': PAGE_POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'cache-control': 'no-store',
};
