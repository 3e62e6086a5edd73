/**
 * What the operator writes down about models and providers: `models.json` in the data folder, or the file that
 * `BOBBIN_MODELS` names. `docs/models.md` describes every member.
 */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import { EFFORTS } from '../../contract/plain/model-options.ts';
import { dataDirectory, dataLayout } from '../../folders/folders.ts';
import { PROVIDER_NAMES, problemOfName } from './provider-table.ts';
import { type Environment, readVariable } from '../../folders/variables.ts';

const rate = z.number().min(0).max(1_000_000);
const RATES = { input: rate, cachedInput: rate, output: rate };
const efforts = EFFORTS.filter((effort) => effort !== 'default');

const ModelSchema = z.strictObject({
  /** `provider/model`; a `*` stands for any characters. */
  model: z.string().min(1),
  contextWindow: z.number().int().min(1_000).exactOptional(),
  images: z.boolean().exactOptional(),
  efforts: z.array(z.enum(efforts)).exactOptional(),
  price: z
    .strictObject({
      ...RATES,
      long: z.strictObject({ inputTokens: z.number().int().min(1), ...RATES }).exactOptional(),
    })
    .exactOptional(),
});

/** Members of settings and options that look like one. */
const SECRET =
  /(api|access)_?keys?$|secret|password|credential|authorization|bearer|(session|auth|access)_?token|byok/i;

const withoutSecrets = z
  .record(z.string(), z.json())
  .refine((value) => !namesOf(value).some((name) => SECRET.test(name)), 'keys and tokens belong into the environment');

const ProviderSchema = z.strictObject({
  /** The provider whose package and wire format it has; by default the one with its name. */
  type: z.enum(PROVIDER_NAMES).exactOptional(),
  baseUrl: z.url({ protocol: /^https?$/ }).exactOptional(),
  /** The variable with its key. */
  keyName: z
    .string()
    .regex(/^[A-Z][A-Z0-9_]*$/, 'the name of an environment variable is needed')
    .exactOptional(),
  /** More members for the package's factory, such as `region`. */
  settings: withoutSecrets.exactOptional(),
  /** `providerOptions` of every request, as the AI SDK names them. */
  options: z.record(z.string(), withoutSecrets).exactOptional(),
});

const FileSchema = z.strictObject({
  models: z.array(ModelSchema).default([]),
  providers: z
    .record(z.string(), ProviderSchema)
    .default({})
    .superRefine((providers, context) => {
      for (const [name, { type }] of Object.entries(providers)) {
        const message = problemOfName(name, type);
        if (message !== undefined) context.addIssue({ code: 'custom', message, path: [name] });
      }
    }),
});

export type OwnModel = z.infer<typeof ModelSchema>;
export type OwnProvider = z.infer<typeof ProviderSchema>;

export interface OwnModels {
  /** For each fact, the first entry that fits and has it counts. */
  models: readonly OwnModel[];
  /** By their name before the slash. */
  providers: Readonly<Record<string, OwnProvider>>;
}

export const NO_OWN_MODELS: OwnModels = { models: [], providers: {} };

/** Throws an error that names the file if it is invalid, or missing although it is named. */
export function readOwnModels(env: Environment): OwnModels {
  const named = readVariable(env, 'BOBBIN_MODELS');
  const file = named === undefined ? dataLayout(dataDirectory(env)).models : resolve(named);
  if (named === undefined && !existsSync(file)) return NO_OWN_MODELS;
  try {
    const parsed = FileSchema.safeParse(JSON.parse(readFileSync(file, 'utf8')));
    if (parsed.success) return parsed.data;
    throw new Error(parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${file} cannot be used: ${reason}. docs/models.md shows what it may contain.`, { cause: error });
  }
}

/** Names of all members, at every depth. */
function namesOf(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const own = Array.isArray(value) ? [] : Object.keys(value);
  return [...own, ...Object.values(value).flatMap(namesOf)];
}
