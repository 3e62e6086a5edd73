/** Finds the skills of the person, and those of a workspace with what the person has said about them. */
import { join } from 'node:path';
import { isSkillName } from '../../contract/plain/tools/read-skill.ts';
import { isThere, realPlace } from '../../folders/real-path.ts';
import { createClosedPaths } from '../files/closed-paths.ts';
import { type SafeFolder, inFolder } from '../files/safe-folder.ts';
import { NAME_RULE, SKILL_FILE, type SkillFile, SkillFault, parseSkillFile, toText } from './skill-file.ts';
import { type SkillContent, readSkillFile, readWhole } from './skill-folder.ts';
import type { TrustedSkills } from './trusted-skills.ts';

/** In a workspace, by the convention of the Agent Skills format. */
export const WORKSPACE_SKILLS = '.agents/skills';

const MAX_FOLDERS = 100;

/**
 * `usable`: a model may read it. `untrusted`: of the workspace, and never trusted. `changed`: it was trusted with another
 * content. `hidden`: the person has one of that name. `unusable`: no skill of the format; `problem` says why.
 */
export type SkillState = 'usable' | 'untrusted' | 'changed' | 'hidden' | 'unusable';

export interface FoundSkill {
  /** The name of its folder. That of one which cannot be used may be anything. */
  name: string;
  from: 'person' | 'workspace';
  /** Absolute. */
  folder: string;
  state: SkillState;
  problem: string | null;
  /** Null if it was not read. */
  file: SkillFile | null;
  /** With its files, if it was read whole: those of a workspace only. */
  content: SkillContent | null;
}

export interface SkillSources {
  /** Absolute; the folder with the skills of the person. */
  own: string;
  trusted: TrustedSkills;
  /** Absolute; what is in them is not read, unless the workspace is inside. */
  closed: readonly string[];
}

export interface Found {
  skills: FoundSkill[];
  /** What is wrong with one of the two places as a whole. */
  problems: string[];
}

interface Options {
  /** Of the workspace, whether those that were never trusted are read, too. */
  reads: 'trusted' | 'all';
  /** Of the workspace, the one whose files stay in memory: all of them together may be too much. */
  whole?: string | undefined;
  signal?: AbortSignal;
}

/** By name, those of the person first. @param workspace a real path; null: only those of the person */
export async function findSkills(
  { own, trusted, closed }: SkillSources,
  workspace: string | null,
  { reads, whole, signal }: Options,
): Promise<Found> {
  const mine = await lookIn({ path: realPlace(own), from: 'person' }, readOwn);
  const path = workspace === null ? null : join(workspace, WORKSPACE_SKILLS);
  if (workspace === null || path === null || !isThere(path)) return mine;
  if (createClosedPaths(closed, workspace).has(path)) return mine;
  const taken = new Set(mine.skills.filter(({ state }) => state === 'usable').map(({ name }) => name));
  const hashes = await trusted.of(workspace);
  const theirs = await lookIn({ path, from: 'workspace' }, async (folder, name) => {
    const hash = hashes.get(name);
    if (taken.has(name)) return { state: 'hidden' };
    if (hash === undefined && reads === 'trusted') return { state: 'untrusted' };
    const content = await readWhole(folder, name === whole, signal);
    const file = parseSkillFile(content.files.get(SKILL_FILE) ?? missing(), name);
    return { state: hash === undefined ? 'untrusted' : hash === content.sha256 ? 'usable' : 'changed', file, content };
  });
  return { skills: [...mine.skills, ...theirs.skills], problems: [...mine.problems, ...theirs.problems] };
}

async function readOwn(folder: SafeFolder, name: string): Promise<Look> {
  return { state: 'usable', file: parseSkillFile(await readSkillFile(folder), name) };
}

function missing(): never {
  throw new SkillFault(`it has no ${SKILL_FILE}`);
}

type Look = Pick<FoundSkill, 'state'> & Partial<Pick<FoundSkill, 'file' | 'content' | 'problem'>>;
type Looking = (folder: SafeFolder, name: string) => Promise<Look>;

async function lookIn(place: { path: string; from: FoundSkill['from'] }, look: Looking): Promise<Found> {
  try {
    const looked = await inFolder(place.path, (folder) => lookAtAll(folder, look));
    const skills = looked.map(({ name, ...found }): FoundSkill => {
      const rest = { problem: null, file: null, content: null, ...found };
      return { name, from: place.from, folder: join(place.path, name), ...rest };
    });
    return { skills, problems: [] };
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return { skills: [], problems: isMissing ? [] : [`${place.path} is not read: ${toProblem(error)}`] };
  }
}

async function lookAtAll(place: SafeFolder, look: Looking): Promise<({ name: string } & Look)[]> {
  const names = await place.listSome(MAX_FOLDERS + 1);
  if (names.length > MAX_FOLDERS) throw new SkillFault(`it has more than ${MAX_FOLDERS} entries`);
  const found: ({ name: string } & Look)[] = [];
  for (const name of names.sort((one, other) => Buffer.compare(one, other))) {
    const looked = await lookAt(place, name, look);
    if (looked !== null) found.push({ name: name.toString(), ...looked });
  }
  return found;
}

/** Null for what is no skill and does not look like one, such as a README. */
async function lookAt(place: SafeFolder, name: Buffer, look: Looking): Promise<Look | null> {
  const stats = await place.lstat(name);
  if (stats?.isSymbolicLink() === true) return unusable('it is a symbolic link, and links are not followed here');
  const text = toText(name) ?? '';
  if (stats?.isDirectory() !== true || text.startsWith('.')) return null;
  if (!isSkillName(text)) return unusable(`the name of its folder ${NAME_RULE}`);
  try {
    const folder = await place.enter(name);
    try {
      return await look(folder, text);
    } finally {
      await folder.close();
    }
  } catch (error) {
    return unusable(toProblem(error));
  }
}

function unusable(problem: string): Look {
  return { state: 'unusable', problem };
}

/** Rethrows what no content of a folder can cause. */
function toProblem(error: unknown): string {
  if (error instanceof SkillFault) return error.message;
  const code: unknown = (error as NodeJS.ErrnoException).code;
  // An abort has a code, too, of another form.
  if (typeof code !== 'string' || !/^E[A-Z0-9]+$/.test(code)) throw error;
  switch (code) {
    case 'ENOTDIR':
    case 'ELOOP':
      return 'it, or a part of its path, is a link or no folder';
    case 'EFTYPE':
      return 'a file in it is not a regular one';
    case 'EACCES':
    case 'EPERM':
      return 'it may not be read';
    default:
      return `it cannot be read (${code})`;
  }
}
