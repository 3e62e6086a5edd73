/** Settings of `bobbin serve`: options before the environment. */
import { z } from 'zod';
import { BobbinError } from '../../client/bobbin-error.ts';
import { describeZod } from '../../client/zod-words.ts';
import type { LimitSettings } from './limits.ts';

export interface ServeSettings extends LimitSettings {
  host: string;
  port: number;
  /** Names besides those of loopback, in lower case. */
  hostNames: ReadonlySet<string>;
  maxBodyBytes: number;
  /** Time that a client gets to send a request, or to take what was sent, in milliseconds. */
  readTimeoutMs: number;
  /** For links to workflows; null if it is not known. */
  temporalUiUrl: string | null;
}

const DEFAULT_LISTEN = '127.0.0.1:7420';

const count = (otherwise: number, most: number) => z.coerce.number().int().min(1).max(most).default(otherwise);

const SettingsSchema = z.object({
  BOBBIN_HTTP_LISTEN: z
    .string()
    .regex(/^(\[[0-9a-fA-F:]+\]|[^:\s[\]]+):\d{1,5}$/, 'an address and a port are needed, such as 127.0.0.1:7420')
    .default(DEFAULT_LISTEN),
  BOBBIN_HTTP_HOSTS: z.string().default(''),
  TEMPORAL_UI_URL: z.url({ protocol: /^https?$/, error: 'an http or https address is needed' }).optional(),
  BOBBIN_HTTP_RATE: count(100, 1_000_000),
  BOBBIN_HTTP_STREAMS: count(1_000, 100_000),
  BOBBIN_HTTP_MAX_BODY_BYTES: count(2 * 1024 * 1024, 64 * 1024 * 1024),
  BOBBIN_HTTP_READ_TIMEOUT_MS: count(30_000, 3_600_000),
});

interface ServeOptions {
  listen?: string;
  temporalUi?: string;
}

/** Throws `invalid`. */
export function readServeSettings(
  env: Record<string, string | undefined>,
  { listen, temporalUi }: ServeOptions = {},
): ServeSettings {
  const given = Object.entries({
    ...env,
    ...(listen === undefined ? {} : { BOBBIN_HTTP_LISTEN: listen }),
    ...(temporalUi === undefined ? {} : { TEMPORAL_UI_URL: temporalUi }),
  });
  const parsed = SettingsSchema.safeParse(Object.fromEntries(given.filter(([, value]) => value !== '')));
  if (!parsed.success) throw new BobbinError('invalid', describeZod(parsed.error), parsed.error);
  const vars = parsed.data;
  const at = vars.BOBBIN_HTTP_LISTEN.lastIndexOf(':');
  const names = vars.BOBBIN_HTTP_HOSTS.split(',').map((name) => name.trim().toLowerCase());
  return {
    host: vars.BOBBIN_HTTP_LISTEN.slice(0, at).replace(/^\[(.*)\]$/, '$1'),
    port: Number(vars.BOBBIN_HTTP_LISTEN.slice(at + 1)),
    hostNames: new Set(names.filter((name) => name !== '')),
    ratePerSecond: vars.BOBBIN_HTTP_RATE,
    streams: vars.BOBBIN_HTTP_STREAMS,
    maxBodyBytes: vars.BOBBIN_HTTP_MAX_BODY_BYTES,
    readTimeoutMs: vars.BOBBIN_HTTP_READ_TIMEOUT_MS,
    temporalUiUrl: vars.TEMPORAL_UI_URL ?? null,
  };
}
