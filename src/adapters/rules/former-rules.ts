/**
 * The rules of repositories as earlier releases kept them: a folder for each repository, a file for each rule. They are read
 * once, for the workflows that hold rules now. A file that was taken over gets another name, by which no release reads it.
 */
import { createHash } from 'node:crypto';
import { readFile, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type ApprovalRule, RepositoryRuleSchema } from '../../contract/index.ts';
import { PathSchema } from '../../contract/shapes.ts';
import { toRuleId } from './repository-rule.ts';

export interface FormerRules {
  repository: string;
  rules: ApprovalRule[];
  /** Their files. */
  paths: string[];
}

/** A file that stays as it is, since it is not a rule that an earlier release wrote. */
export interface BrokenFile {
  path: string;
  why: string;
}

const TAKEN_OVER = '.taken-over';

const FileSchema = z.object({ version: z.literal(1), repository: PathSchema, rule: RepositoryRuleSchema });

/** Empty if there are none. Rejects with the error of the file system. @param directory absolute */
export async function readFormerRules(directory: string): Promise<{ found: FormerRules[]; broken: BrokenFile[] }> {
  const found = new Map<string, FormerRules>();
  const broken: BrokenFile[] = [];
  for (const folder of await namesIn(directory, /^[0-9a-f]{32}$/)) {
    for (const name of await namesIn(join(directory, folder), /^repo_[0-9a-f]+\.json$/)) {
      const path = join(directory, folder, name);
      const read = await readRule(path, { folder, name });
      if (typeof read === 'string') broken.push({ path, why: read });
      else if (read !== null) add(found, read.repository, read.rule, path);
    }
  }
  return { found: [...found.values()], broken };
}

function add(found: Map<string, FormerRules>, repository: string, rule: ApprovalRule, path: string): void {
  const of = found.get(repository) ?? { repository, rules: [], paths: [] };
  of.rules.push(rule);
  of.paths.push(path);
  found.set(repository, of);
}

/** The rule; why it is none; null if another worker has just taken it over. */
async function readRule(
  path: string,
  { folder, name }: { folder: string; name: string },
): Promise<{ repository: string; rule: ApprovalRule } | string | null> {
  const text = await orNothing(readFile(path, 'utf8'), null);
  if (text === null) return null;
  const parsed = FileSchema.safeParse(fromJson(text));
  if (!parsed.success) return 'it was cut off or changed';
  const { repository, rule } = parsed.data;
  const isSame = name === `${rule.ruleId}.json` && rule.ruleId === toRuleId(rule.decision, rule.match);
  if (!isSame) return 'its content does not match its name';
  return folder === toFolderName(repository) ? { repository, rule } : 'it is in the folder of another repository';
}

/** So that neither this release nor an earlier one reads them again. Idempotent. */
export async function markTakenOver({ paths }: FormerRules): Promise<void> {
  for (const path of paths) await orNothing(rename(path, `${path}${TAKEN_OVER}`), undefined);
}

async function namesIn(folder: string, pattern: RegExp): Promise<string[]> {
  const names = await orNothing(readdir(folder), []);
  return names.filter((name) => pattern.test(name)).sort();
}

function toFolderName(repository: string): string {
  return createHash('sha256').update(repository).digest('hex').slice(0, 32);
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** If the file does not exist, or no longer. */
async function orNothing<T>(read: Promise<T>, nothing: T): Promise<T> {
  try {
    return await read;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return nothing;
    throw error;
  }
}
