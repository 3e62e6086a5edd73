/**
 * A store in a bucket of S3, or of a service that speaks its protocol. The keys come from where Amazon's tools look for
 * them: the environment, the files in the home folder, the container, the machine.
 */
import type { GetObjectCommandOutput, S3Client } from '@aws-sdk/client-s3';
import type { S3Place } from './store-place.ts';
import { type Store, StoreUnavailable } from './store.ts';

const CONNECT_MS = 5_000;

export interface RequestBounds {
  /** Milliseconds until the answer begins. */
  requestMs: number;
  /** A body has this much more time to be sent. */
  bytesPerSecond: number;
  /** Milliseconds in which nothing is sent or received. */
  idleMs: number;
}
/** The largest object takes 28 minutes then; the step that stores it has 30. */
const BOUNDS: RequestBounds = { requestMs: 20_000, bytesPerSecond: 320_000, idleMs: 60_000 };
const TRIES = 3;
/** Far more than any object that is written; a larger one is not ours. */
const MAX_BYTES = 512 * 2 ** 20;

export function createS3Store(place: S3Place, bounds = BOUNDS): Store {
  const { bucket, prefix } = place;
  const address = `s3://${bucket}/${prefix}`.replace(/\/$/, '');
  let opened: ReturnType<typeof open> | undefined;
  const use = (): ReturnType<typeof open> => (opened ??= open(place, bounds));
  return {
    place: address,
    async read(name, signal) {
      try {
        const { client, GetObjectCommand } = await use();
        const command = new GetObjectCommand({ Bucket: bucket, Key: prefix + name });
        const answer = await client.send(command, abortedBy(signal));
        return await readBody(answer, `${address}/${name}`);
      } catch (error) {
        signal?.throwIfAborted();
        if (codeOf(error) === 'NoSuchKey') return undefined;
        throw unavailable('read', `${address}/${name}`, error);
      }
    },
    async write(name, bytes, signal) {
      try {
        const { client, PutObjectCommand } = await use();
        const command = new PutObjectCommand({ Bucket: bucket, Key: prefix + name, Body: bytes });
        const requestTimeout = bounds.requestMs + (bytes.byteLength / bounds.bytesPerSecond) * 1_000;
        await client.send(command, { requestTimeout, ...abortedBy(signal) });
      } catch (error) {
        signal?.throwIfAborted();
        throw unavailable('written', `${address}/${name}`, error);
      }
    },
    async remove(names) {
      const { client, DeleteObjectCommand } = await use();
      for (const name of names) {
        const where = `${address}/${name}`;
        const gone = client.send(new DeleteObjectCommand({ Bucket: bucket, Key: prefix + name }));
        await gone.catch((error: unknown) => {
          if (codeOf(error) !== 'NoSuchKey') throw unavailable('removed', where, error);
        });
      }
    },
    async *list(start) {
      const { client, ListObjectsV2Command } = await use();
      for (let token: string | undefined; ;) {
        const page = {
          Bucket: bucket,
          Prefix: prefix + start,
          ...(token === undefined ? {} : { ContinuationToken: token }),
        };
        const answer = await client.send(new ListObjectsV2Command(page)).catch((error: unknown) => {
          throw unavailable('listed', `${address}/${start}`, error);
        });
        for (const { Key: key = '', Size: bytes = 0, LastModified: at } of answer.Contents ?? [])
          yield { name: key.slice(prefix.length), bytes, writtenAt: at?.getTime() ?? Date.now() };
        token = answer.NextContinuationToken;
        if (token === undefined) return;
      }
    },
  };
}

/** Loaded by the first use: most workers need none of it. */
async function open({ endpoint, region, pathStyle }: S3Place, { requestMs, idleMs }: RequestBounds) {
  const { DeleteObjectCommand, GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } =
    await import('@aws-sdk/client-s3');
  const client: S3Client = new S3Client({
    region,
    ...(endpoint === undefined ? {} : { endpoint }),
    forcePathStyle: pathStyle,
    // Not every service answers to it, and each large write would wait for that.
    expectContinueHeader: false,
    maxAttempts: TRIES,
    requestHandler: {
      connectionTimeout: CONNECT_MS,
      requestTimeout: requestMs,
      throwOnRequestTimeout: true,
      socketTimeout: idleMs,
    },
    // The objects have checksums of their own, and not every service knows these.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  return { client, DeleteObjectCommand, GetObjectCommand, ListObjectsV2Command, PutObjectCommand };
}

function abortedBy(signal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal };
}

async function readBody({ Body: body, ContentLength: length = 0 }: GetObjectCommandOutput, where: string) {
  if (length > MAX_BYTES) throw new Error(`${where} has ${length} bytes, which is more than was ever written`);
  return Buffer.from((await body?.transformToByteArray()) ?? []);
}

const NO_RIGHT =
  'Give the keys of this worker the rights s3:GetObject, s3:PutObject and s3:ListBucket (without the last one, what is missing looks forbidden).';
const ADVICE: Record<string, string> = {
  NoSuchBucket: 'There is no such bucket: make it, or correct BOBBIN_STORE.',
  AccessDenied: NO_RIGHT,
  Forbidden: NO_RIGHT,
  InvalidAccessKeyId: 'The service does not know the access key: correct AWS_ACCESS_KEY_ID, or the profile.',
  SignatureDoesNotMatch: 'The secret key does not fit the access key: correct AWS_SECRET_ACCESS_KEY, or the profile.',
  CredentialsProviderError: 'No keys were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile.',
  PermanentRedirect: 'The bucket is in another region: set AWS_REGION.',
};

function unavailable(verb: string, where: string, cause: unknown): StoreUnavailable {
  const code = codeOf(cause);
  const advice = ADVICE[code] ?? 'Check the service and BOBBIN_STORE_ENDPOINT; the step is tried again.';
  const { message } = cause as Error;
  return new StoreUnavailable(`${where} could not be ${verb}: ${code}: ${message}. ${advice}`, code, cause);
}

function codeOf(error: unknown): string {
  const { code, name } = error as { code?: unknown; name?: unknown };
  return typeof code === 'string' ? code : typeof name === 'string' ? name : 'unknown';
}
