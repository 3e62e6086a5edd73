/** `bobbin skills`: shows the skills that models may read, and decides about those of a workspace. */
import { statSync } from 'node:fs';
import type { Command } from 'commander';
import { BobbinError } from '../../../client/bobbin-error.ts';
import type { SkillsHere } from '../../../dev/skills.ts';
import { type CommonOptions, dataDirectoryOf, runCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { asStarted } from '../invocation.ts';
import { columns } from '../text/columns.ts';
import { type Output, askPerson } from '../text/output.ts';
import { shellWord } from '../text/shell-word.ts';
import { type Part, line, paint, quoted, toCopy } from '../text/terminal-text.ts';
import { toVisibleLine } from '../../../contract/plain/foreign-text.ts';

interface SkillsOptions extends CommonOptions {
  cwd?: string;
}

type Found = SkillsHere['skills'][number];

const WORDS: Record<Found['state'], string> = {
  usable: 'usable',
  untrusted: 'not trusted',
  changed: 'changed since it was trusted',
  hidden: 'yours of that name is used',
  unusable: 'cannot be used',
};

export function addSkillsCommands(program: Command): void {
  const skills = program
    .command('skills')
    .description('show the skills that models may read, and trust those of a workspace');
  const add = (words: string, description: string, example: string) =>
    skills
      .command(words)
      .description(description)
      .option('--cwd <path>', 'the workspace (default: .)')
      .option('--data-dir <path>', 'the data folder (default: yours)')
      .option('--json', 'print JSON instead of text')
      .addHelpText('after', `\nExample:\n  bobbin skills ${example}`);
  add('list', 'list your skills and those of a workspace, and say which ones a model gets', 'list').action(
    (options: SkillsOptions) => runCommand(options, (output) => list(options, output)),
  );
  add('show <name> [path]', 'show a skill, its files and their hash, or one of the files', 'show pdf-forms').action(
    (name: string, path: string | undefined, options: SkillsOptions) =>
      runCommand(options, (output) => show(name, path, options, output)),
  );
  add('trust <name>', 'let models read a skill of a workspace, as it is now', 'trust pdf-forms')
    .option('--sha256 <hash>', 'the hash that `skills show` has printed, instead of a question')
    .action((name: string, options: SkillsOptions & { sha256?: string }) =>
      runCommand(options, (output) => trust(name, options, output)),
    );
  add('untrust <name>', 'no longer let models read a skill of a workspace', 'untrust pdf-forms').action(
    (name: string, options: SkillsOptions) => runCommand(options, (output) => untrust(name, options, output)),
  );
}

async function list(options: SkillsOptions, output: Output): Promise<number> {
  const { workspace, skills, problems } = await read(options);
  const rows = skills.map((skill) => [
    toVisibleLine(skill.name),
    skill.from === 'person' ? 'yours' : 'workspace',
    WORDS[skill.state],
    skill.problem ?? toVisibleLine(skill.file?.description.trim() ?? ''),
  ]);
  const lines: Part[] = rows.length === 0 ? ['no skills'] : columns(rows);
  output.result({ workspace, skills: skills.map(toJson), problems }, [...lines, ...problems]);
  return EXIT.ok;
}

async function show(name: string, path: string | undefined, options: SkillsOptions, output: Output): Promise<number> {
  const { workspace, skills } = await read(options, name);
  const skill = find(name, skills, (one) => one.state !== 'hidden');
  if (path !== undefined) {
    const text = textOf(skill, path);
    output.result({ workspace, name, path, text }, quoted(text));
    return EXIT.ok;
  }
  output.result({ workspace, ...toJson(skill), text: skill.file?.text ?? null }, describe(skill, options));
  return EXIT.ok;
}

/** From the bytes of the hash. Those that are no text are shown as the signs for it. */
function textOf({ name, folder, content }: Found, path: string): string {
  if (content === null) throw new BobbinError('invalid', `The files of skill ${name} are in ${folder}.`);
  const bytes = content.files.get(path);
  if (bytes === undefined) throw new BobbinError('invalid', `Skill ${name} has no file ${path}.`);
  return bytes.toString();
}

async function trust(name: string, options: SkillsOptions & { sha256?: string }, output: Output): Promise<number> {
  const { workspace, skills } = await read(options);
  const skill = find(name, skills, ({ from }) => from === 'workspace');
  const sha256 = skill.content?.sha256;
  if (sha256 === undefined || workspace === null)
    throw new BobbinError(
      'invalid',
      `Skill ${name} of the workspace cannot be trusted: ${skill.problem ?? WORDS[skill.state]}.`,
    );
  if (options.sha256 !== undefined && options.sha256 !== sha256)
    throw new BobbinError('invalid', `Skill ${name} has another hash: it is ${sha256} now. Look at it again.`);
  if (options.sha256 === undefined && !(await askAbout(skill, options, output)))
    throw new BobbinError(
      'invalid',
      `Skill ${name} was not trusted. Answer on a terminal, or give the hash that \`skills show ${name}\` prints as --sha256.`,
    );
  const { trustSkill } = await import('../../../dev/skills.ts');
  await trustSkill(dataDirectoryOf(options), { workspace, name, sha256 });
  output.result({ workspace, name, sha256 }, [line`Models may read skill ${name} in ${workspace}, until it changes.`]);
  return EXIT.ok;
}

/** What is trusted is what is shown: the hash is that of the bytes that were read for it. */
function askAbout(skill: Found, options: SkillsOptions, output: Output): Promise<boolean> {
  if (!output.json) for (const part of describe(skill, options)) output.say(part);
  return output.json
    ? Promise.resolve(false)
    : askPerson('Let models read this skill, and follow it like your instructions?');
}

async function untrust(name: string, options: SkillsOptions, output: Output): Promise<number> {
  const workspace = (await read(options)).workspace ?? '';
  const { untrustSkill } = await import('../../../dev/skills.ts');
  const was = await untrustSkill(dataDirectoryOf(options), workspace, name);
  const words = was ? 'is no longer trusted' : 'was not trusted';
  output.result({ workspace, name, was }, [line`Skill ${name} ${words} in ${workspace}.`]);
  return EXIT.ok;
}

async function read(options: SkillsOptions, whole?: string): Promise<SkillsHere> {
  const cwd = options.cwd ?? process.cwd();
  if (statSync(cwd, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new BobbinError('invalid', `There is no folder ${cwd}.`);
  const { readSkills } = await import('../../../dev/skills.ts');
  return readSkills(process.env, dataDirectoryOf(options), cwd, whole);
}

function find(name: string, skills: readonly Found[], fits: (one: Found) => boolean): Found {
  const found = skills.find((one) => one.name === name && fits(one));
  if (found === undefined) throw new BobbinError('invalid', `There is no skill ${name} here.`);
  return found;
}

function describe(skill: Found, options: SkillsOptions): Part[] {
  const { name, folder, state, problem, file, content } = skill;
  const where = options.cwd === undefined ? '' : ` --cwd ${shellWord(options.cwd)}`;
  const command = `skills trust ${shellWord(name)} --sha256 ${content?.sha256 ?? ''}${where}`;
  const isOpen = content !== null && (state === 'untrusted' || state === 'changed');
  return [
    line`${paint.bold(name)}  ${WORDS[state]}${problem === null ? '' : line`: ${problem}`}`,
    line`folder  ${folder}`,
    ...(content === null ? [] : [line`sha256  ${content.sha256}`]),
    ...[...(content?.sizes ?? [])].map(([path, bytes]) => line`file    ${path} (${bytes} bytes)`),
    ...(file === null ? [] : quoted(file.text)),
    ...(isOpen ? ['To let models read it as it is:', toCopy(asStarted(command))] : []),
  ];
}

function toJson({ name, from, folder, state, problem, file, content }: Found) {
  return {
    ...{ name, from, folder, state, problem, description: file?.description ?? null },
    ...{ sha256: content?.sha256 ?? null, files: content === null ? null : [...content.sizes.keys()] },
  };
}
