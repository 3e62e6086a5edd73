/** Reads where the shared store is, from the variables BOBBIN_STORE and BOBBIN_STORE_*. */

export interface S3Place {
  bucket: string;
  /** Empty, or ends with a slash. */
  prefix: string;
  /** Of a service other than Amazon's. */
  endpoint?: string;
  region: string;
  /** Whether the bucket is part of the path and not of the host name. */
  pathStyle: boolean;
}

export interface PlaceOptions {
  endpoint?: string | undefined;
  /** `auto` by default: as most services other than Amazon's need it. */
  pathStyle?: boolean | undefined;
  region?: string | undefined;
  allowHttp?: boolean;
}

const S3_URL = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/;
/** What needs no escape in a key, and is a name of a file in every gateway. */
const PREFIX = /^[A-Za-z0-9_-][A-Za-z0-9._-]*(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*\/?$/;
const LONGEST_PREFIX = 500;
const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** @param text `s3://bucket/prefix`. Throws an error that says what is wrong. */
export function readS3Place(text: string, options: PlaceOptions = {}): S3Place {
  const [, bucket = '', path = ''] = S3_URL.exec(text) ?? [];
  if (bucket === '') throw new Error(`${text} is no place for a store: s3://bucket/prefix is needed`);
  if (path !== '' && (!PREFIX.test(path) || path.length > LONGEST_PREFIX))
    throw new Error(`${path} is no prefix: names of letters, digits, "_", "-" and "." between slashes are needed`);
  const { endpoint } = options;
  if (endpoint !== undefined) checkEndpoint(endpoint, options.allowHttp ?? false);
  return {
    bucket,
    prefix: path === '' || path.endsWith('/') ? path : `${path}/`,
    ...(endpoint === undefined ? {} : { endpoint }),
    region: options.region ?? 'us-east-1',
    pathStyle: options.pathStyle ?? endpoint !== undefined,
  };
}

function checkEndpoint(text: string, allowHttp: boolean): void {
  const { protocol, hostname, username, password } = new URL(text);
  if (username !== '' || password !== '') throw new Error('an endpoint has no user and password');
  if (protocol === 'https:' || (protocol === 'http:' && (allowHttp || LOOPBACK.test(hostname)))) return;
  throw new Error(
    `${protocol}//${hostname} is not safe: https is needed, or http to this machine, or BOBBIN_ALLOW_HTTP`,
  );
}
