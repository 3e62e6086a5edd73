/** The skills of a thread, as its model gets them. */
import type { SkillPlace, SkillsPort } from '../../../activities/ports.ts';
import { plural } from '../../contract/plain/plural.ts';
import { isSkillName } from '../../contract/plain/tools/read-skill.ts';
import { followLinks } from '../../folders/real-path.ts';
import { ignoring, inFolder } from '../files/safe-folder.ts';
import { type FoundSkill, type SkillSources, findSkills } from './find-skills.ts';
import { SKILL_FILE, toText } from './skill-file.ts';
import { listFiles, readInside, toListed } from './skill-folder.ts';

/** Bytes that are read of one file. The model gets fewer. */
const MAX_FILE_BYTES = 1024 * 1024;
/** Skills that one warning names. */
const MAX_NAMED = 5;

export function createSkills(sources: SkillSources): SkillsPort {
  const find = ({ cwd, root }: SkillPlace, signal: AbortSignal, whole?: string) =>
    findSkills(sources, root ?? followLinks(cwd), { reads: 'trusted', whole, signal });
  return {
    async list(place, signal) {
      const { skills, problems } = await find(place, signal);
      const listed = skills.flatMap(({ name, from, file, state }) =>
        state === 'usable' && file !== null ? [{ name, from, description: file.description }] : [],
      );
      return { skills: listed, warnings: [...problems, ...toWarnings(skills)] };
    },
    async read({ name, path }, place, signal) {
      const { skills } = await find(place, signal, name);
      const found = skills.find((one) => one.name === name && one.state === 'usable');
      if (found === undefined) return { fault: toFault(name, skills) };
      const bytes = await readFile(found, path ?? SKILL_FILE);
      if (bytes === undefined) return { fault: `Skill ${name} has no file ${path}.` };
      const text = toText(bytes);
      if (text === null) return { fault: `${path} of skill ${name} is not text in UTF-8.` };
      const files = path === null ? await listOf(found) : { files: [], moreFiles: false };
      return { folder: found.folder, text, ...files };
    },
  };
}

/** What was hashed is what is read: the files of a workspace may have changed since. */
async function readFile({ folder, content }: FoundSkill, path: string): Promise<Buffer | undefined> {
  if (content !== null) return content.files.get(path);
  return inFolder(folder, (opened) => readInside(opened, path, MAX_FILE_BYTES)).catch(
    ignoring('ENOENT', 'ENOTDIR', 'ELOOP', 'EFTYPE', 'EISDIR', 'EACCES', 'ENAMETOOLONG'),
  );
}

function listOf({ folder, content }: FoundSkill): Promise<{ files: string[]; moreFiles: boolean }> {
  return content !== null ? Promise.resolve(toListed([...content.sizes.keys()])) : inFolder(folder, listFiles);
}

function toFault(name: string, skills: readonly FoundSkill[]): string {
  const isChanged = skills.some((one) => one.name === name && one.state === 'changed');
  return isChanged
    ? `Skill ${name} has changed since the person trusted it, so it cannot be read. Go on without it, and say so at the end.`
    : `There is no skill ${name}. The environment lists those that there are.`;
}

/** For the person. Names that are no names of skills are left out: anybody may have chosen them. */
function toWarnings(skills: readonly FoundSkill[]): string[] {
  const named = skills.filter(({ name }) => isSkillName(name));
  const changed = named.filter(({ state }) => state === 'changed').map(({ name }) => name);
  const untrusted = named.filter(({ state }) => state === 'untrusted').length;
  const unusable = named
    .filter(({ state }) => state === 'unusable')
    .map(({ name, from, problem }) => `${name}${from === 'person' ? '' : ' of the workspace'} (${problem})`);
  const warnings = [
    changed.length > 0 &&
      `Skills of the workspace have changed since you trusted them, so the model does not get them: ${cut(changed)}. \`bobbin skills show\` shows one.`,
    untrusted > 0 &&
      `The workspace has ${plural(untrusted, 'skill')} that you have not trusted, so the model does not get ${untrusted === 1 ? 'it' : 'them'}. \`bobbin skills list\` lists them.`,
    unusable.length > 0 && `Skills that cannot be used: ${cut(unusable)}.`,
  ];
  return warnings.filter((warning) => warning !== false);
}

function cut(names: readonly string[]): string {
  const rest = names.length - MAX_NAMED;
  return names.slice(0, MAX_NAMED).join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}
