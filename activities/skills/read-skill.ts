/** Reads a skill, or a file of one. It only reads, so it may run again. */
import type { ReadSkillStep, ReadSkillStepResult } from '../contract.ts';
import { cutToBytes, jsonBytes } from '../model/bounded-text.ts';
import type { Ports, SkillText } from '../ports.ts';
import { runStep } from '../step.ts';
import { toVisibleLine } from '../../src/contract/plain/foreign-text.ts';

export async function readSkill(ports: Ports, input: ReadSkillStep): Promise<ReadSkillStepResult> {
  return runStep<{ type: 'readSkill' }, ReadSkillStepResult>(
    { ...ports, ...input },
    { type: 'readSkill' },
    async (step) => {
      const { name, path, ...place } = input;
      ports.requireWorkspace(place.cwd, place.root);
      const read = await ports.skills.read({ name, path }, place, step.signal);
      if ('fault' in read) return { type: 'refused', reason: read.fault };
      return { type: 'read', output: path === null ? toSkill(name, read, ports) : bounded(read.text, ports) };
    },
  );
}

function toSkill(name: string, { folder, text, files, moreFiles }: SkillText, ports: Ports): string {
  const names = [...files.map((file) => toVisibleLine(JSON.stringify(file))), ...(moreFiles ? ['and more'] : [])];
  const also = names.length === 0 ? '' : ` Other files in it: ${names.join(', ')}.`;
  const head = `Skill ${name}. Its folder is ${JSON.stringify(folder)}: paths in the text are relative to it, and commands can read it.${also}`;
  return `${head}\n\n${bounded(text, ports)}`;
}

function bounded(text: string, { maxOutputBytes }: Ports): string {
  if (jsonBytes(text) <= maxOutputBytes) return text;
  const kept = cutToBytes(maxOutputBytes, text);
  return `${kept}\n… ${text.length - kept.length} characters were left out; a command can read them`;
}
