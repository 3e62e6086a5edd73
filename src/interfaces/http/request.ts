/** Reads bodies, queries and ids of requests. */
import type { IncomingMessage } from 'node:http';
import type { z } from 'zod';
import { BobbinError } from '../../client/bobbin-error.ts';
import { describeZod } from '../../client/zod-words.ts';
import { HttpProblem } from './problem.ts';

/** Throws for anything that is not JSON in UTF-8. Reads at most `maxBytes`. */
export async function readJson(request: IncomingMessage, maxBytes: number): Promise<unknown> {
  const { 'content-type': type = '', 'content-encoding': encoding = 'identity' } = request.headers;
  if (!/^application\/json\s*(;|$)/i.test(type))
    throw new HttpProblem('unsupportedMediaType', 'The Content-Type of a body must be application/json.');
  if (encoding !== 'identity')
    throw new HttpProblem('unsupportedMediaType', `Content-Encoding ${encoding} is not supported.`);
  const bytes = await readBytes(request, maxBytes);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown;
  } catch (error) {
    throw new BobbinError('invalid', `The body is not JSON in UTF-8: ${(error as Error).message}`, error);
  }
}

export interface Upload {
  mediaTypes: readonly string[];
  maxBytes: number;
}

/** Throws for a body of another type. Reads at most `maxBytes`. */
export async function readUpload(request: IncomingMessage, { mediaTypes, maxBytes }: Upload): Promise<Uint8Array> {
  const { 'content-type': type = '', 'content-encoding': encoding = 'identity' } = request.headers;
  const [name = ''] = type.toLowerCase().split(';', 1);
  const [top] = name.trim().split('/', 1);
  if (!mediaTypes.includes(name.trim()) && !mediaTypes.includes(`${top}/*`))
    throw new HttpProblem('unsupportedMediaType', `The Content-Type of this body must be ${mediaTypes.join(' or ')}.`);
  if (encoding !== 'identity')
    throw new HttpProblem('unsupportedMediaType', `Content-Encoding ${encoding} is not supported.`);
  return readBytes(request, maxBytes);
}

async function readBytes(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const tooLarge = () =>
    // The rest of the body is not read, so the connection cannot be used again.
    new HttpProblem('bodyTooLarge', `A body may have at most ${maxBytes} bytes.`, { connection: 'close' });
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  // The connection stays, for the answer.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Throws `invalid`. @param what names the part of the request */
export function parse<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new BobbinError('invalid', `${what}: ${describeZod(parsed.error)}`, parsed.error);
}
