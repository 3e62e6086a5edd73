import { z } from 'zod';
import { HOST_ID, HOST_ID_CHARACTERS } from './plain/hosts.ts';
import { LIMITS } from './plain/limits.ts';
import { NO_PATH, isPath } from './plain/paths.ts';
import { isRefName } from './plain/ref-name.ts';
import { faultOfRepository } from './plain/repository-address.ts';
import type { WireNotes } from './plain/wire-schema.ts';

const ID_CHARACTERS = 'only letters, digits and . _ : @ / - are allowed';

/**
 * An id that a caller chooses: no white space or control characters, so that it fits in a URL, a log line, a command.
 */
export const IdSchema = z
  .string()
  .min(1)
  .max(LIMITS.idChars)
  .regex(/^[A-Za-z0-9._:@/-]+$/, ID_CHARACTERS)
  .meta({ says: ID_CHARACTERS } satisfies WireNotes);

export const HostIdSchema = z
  .string()
  .regex(HOST_ID, HOST_ID_CHARACTERS)
  .meta({ says: HOST_ID_CHARACTERS } satisfies WireNotes);

const ABSOLUTE = 'an absolute path is needed';
export const PathSchema = z
  .string()
  .min(1)
  .max(LIMITS.pathChars)
  .startsWith('/', ABSOLUTE)
  .refine(isPath, { error: NO_PATH })
  .meta({ says: ABSOLUTE, rule: 'path' } satisfies WireNotes);

/**
 * An absolute path on the workers, or an https, http, ssh or file URL, or `host:path`, which is fetched into the
 * workers' folder of workspaces. Credentials come from the workers' environment: an address that may contain one is
 * refused, since it would be stored.
 */
export const RepositorySchema = z
  .string()
  .min(1)
  .max(LIMITS.pathChars)
  .superRefine((address, context) => {
    const fault = faultOfRepository(address);
    if (fault !== null) context.addIssue({ code: 'custom', message: fault.message });
  })
  .meta({ rule: 'repository' } satisfies WireNotes);

export const RefSchema = z
  .string()
  .min(1)
  .max(LIMITS.idChars)
  .refine(isRefName, 'the name of a branch or a commit is needed')
  .meta({ rule: 'ref' } satisfies WireNotes);

/** Text without the white space at its ends, which does not count. */
export function filled(max: number) {
  return z
    .string()
    .trim()
    .min(1)
    .max(max)
    .meta({ trims: true } satisfies WireNotes);
}

export const ShortTextSchema = z.string().max(LIMITS.shortChars);

/** Absent and null mean the same, since clients of many languages write null for what they leave out. */
export function optional<S extends z.ZodType>(schema: S) {
  return schema.nullish().transform((value): z.output<S> | undefined => value ?? undefined);
}

/** The same for a member that is always there, with null if there is no value. */
export function orNull<S extends z.ZodType>(schema: S) {
  return schema
    .nullish()
    .transform((value): z.output<S> | null => value ?? null)
    .meta({ orNull: true } satisfies WireNotes);
}

/** Milliseconds since the epoch, as far as a `Date` can show them. */
export const MomentSchema = z.int().min(0).max(LIMITS.moment);

/** Drops undefined members, so that a parsed message is plain JSON. */
export type Compact<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
} extends infer O
  ? { [K in keyof O]: O[K] }
  : never;

/** The same value without members that are undefined. */
export function compact<T extends object>(value: T): Compact<T> {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as Compact<T>;
}
