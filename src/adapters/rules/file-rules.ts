import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { readFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { Failure } from '../../../activities/failures.ts';
import type { RulesPort } from '../../../activities/ports.ts';
import { type ApprovalRule, type RuleMatch, SandboxModeSchema } from '../../contract/index.ts';
import { writePrivateFile } from '../../folders/private-file.ts';
import { type RulePlace, findRulePlace, fromRulePath, toRulePath } from './rule-place.ts';

export interface FileRulesOptions {
  /**
   * Absolute path. All workers of a task queue must share it, and sandboxes must hide it. Created at once, so that they can.
   */
  directory: string;
  /** Maximum number of rules of a repository; the oldest are removed first. */
  kept?: number;
}

/** As many as fit into one answer of the service. */
const KEPT = 300;

/**
 * Stores the rules of repositories: a folder for each repository, a file for each rule, written atomically, so workers
 * need no lock. The id of a rule is derived from its content, so the same answer twice is one rule. A file that cannot
 * be parsed is ignored. Fails with `rulesUnavailable` for errors of the file system.
 */
export function createFileRules({ directory, kept = KEPT }: FileRulesOptions): RulesPort {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch {
    // Later calls report what is wrong with it.
  }
  const folderOf = (place: RulePlace): string => join(directory, hash(place.repository, 32));
  const within = async <T>(verb: string, cwd: string, body: (place: RulePlace) => Promise<T>): Promise<T> => {
    try {
      return await body(await findRulePlace(cwd));
    } catch (error) {
      throw unavailable(verb, cwd, error);
    }
  };
  return {
    list: (cwd) =>
      within('read', cwd, async (place) => ({
        repository: place.repository,
        rules: await readRules(folderOf(place), place.repository),
      })),
    find: (cwd, match) =>
      within('read', cwd, async (place) => {
        const rules = await readRules(folderOf(place), place.repository);
        return rules.flatMap((rule) => {
          const here = fromRuleMatch(rule.match, place);
          return here !== null && mayConcern(here, match) ? [{ ...rule, match: here }] : [];
        });
      }),
    remember: (cwd, given) =>
      within('written', cwd, async (place) => {
        const match = toRuleMatch(given.match, place);
        const ruleId = toRuleId(given.decision, match);
        const rule = { ...given, scope: 'repository' as const, match, ruleId };
        const folder = folderOf(place);
        const body: RuleFile = { version: 1, repository: place.repository, rule };
        await writePrivateFile(join(folder, `${ruleId}.json`), `${JSON.stringify(body, null, 2)}\n`);
        const all = await readRules(folder, place.repository);
        for (const old of all.slice(0, Math.max(0, all.length - kept))) await rm(fileOf(folder, old), { force: true });
      }),
    revoke: (cwd, ruleId) =>
      within('revoked', cwd, async (place) => {
        const folder = folderOf(place);
        const found = (await readRules(folder, place.repository)).find((rule) => rule.ruleId === ruleId);
        if (found !== undefined) await rm(fileOf(folder, found), { force: true });
        return found !== undefined;
      }),
  };
}

function fileOf(folder: string, { ruleId }: ApprovalRule): string {
  return join(folder, `${ruleId}.json`);
}

function toRuleId(decision: ApprovalRule['decision'], match: RuleMatch): string {
  return `repo_${hash(JSON.stringify([decision, match]), 24)}`;
}

function hash(text: string, digits: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, digits);
}

// ----------------------------------------------------------------------------------------------------------- files

const MatchSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('commandExecution'),
    command: z.string(),
    cwd: z.string(),
    sandbox: SandboxModeSchema,
  }),
  z.object({ type: z.literal('fileChange'), paths: z.array(z.string()), sandbox: SandboxModeSchema }),
  z.object({ type: z.literal('mcpToolCall'), server: z.string(), tool: z.string(), sandbox: SandboxModeSchema }),
]);

const RuleFileSchema = z.object({
  version: z.literal(1),
  repository: z.string(),
  rule: z.object({
    ruleId: z.string(),
    scope: z.literal('repository'),
    match: MatchSchema,
    decision: z.enum(['accept', 'decline']),
    by: z.literal('person'),
    at: z.number(),
    threadId: z.string(),
    turnId: z.string(),
  }),
});
type RuleFile = z.infer<typeof RuleFileSchema>;

/** Oldest first. */
async function readRules(folder: string, repository: string): Promise<ApprovalRule[]> {
  const names = await orNothing(readdir(folder), []);
  const files = names.filter((name) => /^repo_[0-9a-f]+\.json$/.test(name));
  const texts = await Promise.all(
    files.map(async (name) => ({ name, text: await orNothing(readFile(join(folder, name), 'utf8'), '') })),
  );
  return texts
    .flatMap(({ name, text }) => parseRule(name, text, repository))
    .sort((one, other) => one.at - other.at || one.ruleId.localeCompare(other.ruleId));
}

/** The content of a file must match its name. */
function parseRule(name: string, text: string, repository: string): ApprovalRule[] {
  const parsed = RuleFileSchema.safeParse(fromJson(text));
  if (!parsed.success || parsed.data.repository !== repository) return [];
  const { rule } = parsed.data;
  return name === `${rule.ruleId}.json` && rule.ruleId === toRuleId(rule.decision, rule.match) ? [rule] : [];
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The file does not exist, or its rule was revoked meanwhile. */
async function orNothing<T>(read: Promise<T>, nothing: T): Promise<T> {
  try {
    return await read;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return nothing;
    throw error;
  }
}

function unavailable(verb: string, cwd: string, cause: unknown): Failure {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new Failure(
    'rulesUnavailable',
    `The rules of the repository around ${cwd} could not be ${verb}: ${message}. Check the worker's data folder.`,
    { cause, details: { path: cwd } },
  );
}

// ----------------------------------------------------------------------------------------------------------- paths

function toRuleMatch(match: RuleMatch, place: RulePlace): RuleMatch {
  switch (match.type) {
    case 'commandExecution':
      return { type: match.type, command: match.command, cwd: toRulePath(match.cwd, place), sandbox: match.sandbox };
    case 'fileChange': {
      const paths = match.paths.map((path) => toRulePath(path, place)).sort();
      return { type: match.type, paths, sandbox: match.sandbox };
    }
    case 'mcpToolCall':
      return { type: match.type, server: match.server, tool: match.tool, sandbox: match.sandbox };
  }
}

/** With absolute paths of this work tree; null if the rule cannot apply here. */
function fromRuleMatch(match: RuleMatch, place: RulePlace): RuleMatch | null {
  switch (match.type) {
    case 'commandExecution': {
      const cwd = fromRulePath(match.cwd, place);
      return cwd === null ? null : { ...match, cwd };
    }
    case 'fileChange': {
      const paths = match.paths.map((path) => fromRulePath(path, place));
      const known = paths.filter((path) => path !== null);
      return known.length === paths.length ? { ...match, paths: known } : null;
    }
    case 'mcpToolCall':
      return match;
  }
}

/** Whether a rule may apply. The thread decides what it covers. */
function mayConcern(given: RuleMatch, asked: RuleMatch): boolean {
  switch (asked.type) {
    case 'commandExecution':
      return given.type === asked.type && given.command === asked.command && given.cwd === asked.cwd;
    case 'fileChange':
      return given.type === asked.type && given.paths.some((path) => asked.paths.includes(path));
    case 'mcpToolCall':
      return given.type === asked.type && given.server === asked.server && given.tool === asked.tool;
  }
}
