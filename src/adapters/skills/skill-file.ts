/** Reads SKILL.md, the file that makes a folder a skill: https://agentskills.io/specification. */
import { type Document, isMap, parseDocument } from 'yaml';
import { isSkillName } from '../../contract/plain/tools/read-skill.ts';

export const SKILL_FILE = 'SKILL.md';

export const NAME_RULE = 'must be lowercase letters and digits, with single hyphens between them, 64 at most';

export interface SkillFile {
  name: string;
  description: string;
  /** The whole file. */
  text: string;
}

/** Why a folder is no skill that can be used, in words for the person. */
export class SkillFault extends Error {}

const MAX_FILE_BYTES = 262_144;
const MAX_HEAD_CHARS = 8_192;
const MAX_DESCRIPTION_CHARS = 1_024;

/** Bytes to read of the file: one more than it may have. */
export const SKILL_FILE_BYTES = MAX_FILE_BYTES + 1;

/** Throws a `SkillFault`. @param folder the name of its folder, which must be that of the skill */
export function parseSkillFile(bytes: Uint8Array, folder: string): SkillFile {
  if (bytes.length > MAX_FILE_BYTES) throw new SkillFault(`${SKILL_FILE} has more than ${MAX_FILE_BYTES} bytes`);
  const text = toText(bytes);
  if (text === null) throw new SkillFault(`${SKILL_FILE} is not UTF-8`);
  const { name, description } = readHead(headOf(text));
  if (!isSkillName(name)) throw new SkillFault(`its name ${NAME_RULE}`);
  if (name !== folder) throw new SkillFault(`its name is ${name}, and its folder is ${folder}: both must be the same`);
  if (description.trim() === '') throw new SkillFault('its description is empty');
  const chars = Array.from(description).length;
  if (chars > MAX_DESCRIPTION_CHARS)
    throw new SkillFault(`its description has ${chars} characters, and ${MAX_DESCRIPTION_CHARS} is the most`);
  return { name, description, text };
}

/** Null for bytes that are not UTF-8. */
export function toText(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** The YAML between the first two lines `---`. */
function headOf(text: string): string {
  const lines = text.slice(0, MAX_HEAD_CHARS).split(/\r?\n/);
  const end = lines.findIndex((line, index) => index > 0 && line.trimEnd() === '---');
  if (lines[0]?.trimEnd() !== '---' || end === -1)
    throw new SkillFault(
      `${SKILL_FILE} must begin with YAML between two lines ---, of ${MAX_HEAD_CHARS} characters at most`,
    );
  return lines.slice(1, end).join('\n');
}

/**
 * In the schema in which every scalar is text, and with nodes instead of values: no alias, tag or key of the file can make
 * anything but the two texts that are looked for.
 */
function readHead(head: string): { name: string; description: string } {
  const parsed = parse(head);
  const [error] = parsed.errors;
  if (error !== undefined) throw new SkillFault(`its YAML cannot be read: ${firstLine(error.message)}`);
  if (!isMap(parsed.contents)) throw new SkillFault('its YAML has no name and no description');
  const [name, description] = [textOf(parsed.get('name')), textOf(parsed.get('description'))];
  if (name === null) throw new SkillFault('its YAML has no text as name');
  if (description === null) throw new SkillFault('its YAML has no text as description');
  return { name, description };
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function parse(head: string): Document.Parsed {
  try {
    return parseDocument(head, { schema: 'failsafe', logLevel: 'error', prettyErrors: false, stringKeys: true });
  } catch {
    // Nested too deeply.
    throw new SkillFault('its YAML cannot be read');
  }
}

function firstLine(text: string): string {
  return (text.split('\n', 1)[0] ?? '').replace(/:$/, '').slice(0, 200);
}
