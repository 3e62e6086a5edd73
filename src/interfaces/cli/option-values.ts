/** Values of options. Commander names the option in front of these messages. */
import type { ApprovalPolicy, SandboxMode, TreeCursor } from '../../contract/index.ts';
import { InvalidArgumentError, Option } from 'commander';

/** A whole number above 0. */
export function positive(text: string): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number > 0) return number;
  throw new InvalidArgumentError('A whole number above 0 is expected.');
}

/** A whole number. */
export function natural(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new InvalidArgumentError('A whole number is expected.');
}

/** A number above 0, as it was typed. */
export function amount(text: string): string {
  const number = Number(text);
  if (text.trim() !== '' && number > 0 && Number.isFinite(number)) return text;
  throw new InvalidArgumentError('A number above 0 is expected.');
}

/** An option that takes one of these words. @param otherwise its default */
export function choice(flags: string, description: string, words: readonly string[], otherwise?: string): Option {
  const option = new Option(flags, `${description}: ${words.slice(0, -1).join(', ')} or ${words.at(-1)}`).choices([
    ...words,
  ]);
  return otherwise === undefined ? option : option.default(otherwise);
}

export const SANDBOX_MODES: readonly SandboxMode[] = ['read-only', 'workspace-write', 'danger-full-access'];
export const APPROVAL_POLICIES: readonly ApprovalPolicy[] = ['untrusted', 'on-request', 'never'];

/** An option that an existing thread, named by `--thread`, does not take. */
export function newThreadOption(flags: string, description: string): Option {
  return new Option(flags, description).conflicts('thread');
}

/** `--cursor`, where a reader of a tree of threads continues. */
export function treeCursorOption(): Option {
  return new Option('--cursor <json>', 'with --tree: start after these events, as {"<thread>": <seq>, ...}')
    .argParser(toCursor)
    .conflicts('after')
    .implies({ tree: true });
}

function toCursor(text: string): TreeCursor {
  try {
    const parsed: unknown = JSON.parse(text);
    if (isCursor(parsed)) return parsed;
  } catch {
    // Not JSON.
  }
  throw new InvalidArgumentError('A JSON object with the number of an event for each thread is expected.');
}

function isCursor(parsed: unknown): parsed is TreeCursor {
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return false;
  return Object.values(parsed).every((seq) => Number.isSafeInteger(seq) && seq >= 0);
}
