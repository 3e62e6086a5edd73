/** Words of the offline model: its signature, what it quotes, and how it describes a workspace. */
import type { Conversation, ToolUse } from './types.ts';

export const SERVER_NAME = 'Bobbin offline model server';
export const SIGNATURE = `(${SERVER_NAME})`;

/** A piece of an answer; with an interval its words are sent one by one, that many milliseconds apart. */
export interface Segment {
  text: string;
  intervalMs?: number;
}

const MAX_QUOTED_CHARACTERS = 4000;
const MAX_SHOWN_NAMES = 12;

export function signed(segments: Segment[]): Segment[] {
  const gap = segments.some(({ text }) => text !== '') ? '\n\n' : '';
  return [...segments, { text: `${gap}${SIGNATURE}` }];
}

/** Numbered words, so that a lost or doubled one shows. */
export function countedWords(count: number): string {
  return Array.from({ length: count }, (_, index) => `word${index + 1}`).join(' ');
}

/** Words of so many bytes. */
export function wordsOfLength(bytes: number): string {
  const sentence = 'a plain sentence made of short words that mean nothing in particular, ';
  return sentence.repeat(Math.ceil(bytes / sentence.length)).slice(0, bytes);
}

export function quoteUses(uses: ToolUse[]): string {
  return uses.map((use) => `${describeCall(use)} gave:\n\n${clip(use.output.trim()) || '(nothing)'}`).join('\n\n');
}

export function quoteAdditions(additions: string[]): string {
  return additions.map((text) => `I saw the message that came meanwhile: "${clip(text.trim())}"`).join('\n');
}

function describeCall(use: ToolUse): string {
  const command = commandOf(use);
  return command === undefined ? `The call of ${use.name}` : `\`${clip(command)}\``;
}

function commandOf(use: ToolUse): string | undefined {
  try {
    const args = JSON.parse(use.input) as { cmd?: unknown; command?: unknown };
    const command = args.cmd ?? args.command;
    if (Array.isArray(command)) return String(command.at(-1));
    return typeof command === 'string' ? command : undefined;
  } catch {
    return undefined;
  }
}

function clip(text: string): string {
  if (text.length <= MAX_QUOTED_CHARACTERS) return text;
  const half = MAX_QUOTED_CHARACTERS / 2;
  return `${text.slice(0, half)}\n[${text.length - 2 * half} characters left out]\n${text.slice(-half)}`;
}

/** What the command itself printed, without what clients wrap around it. */
export function printedBy(use: ToolUse | undefined): string {
  const output = use?.output ?? '';
  try {
    const wrapped = JSON.parse(output) as { output?: unknown } | null;
    if (typeof wrapped?.output === 'string') return wrapped.output.trim();
  } catch {
    // Most outputs are plain text.
  }
  const marker = /(^|\n)Output:\n/.exec(output);
  return (marker === null ? output : output.slice(marker.index + marker[0].length)).trim();
}

/** A few sentences about the workspace, from what the commands of `workspace-tour.ts` printed. */
export function describeWorkspace(conversation: Conversation, found: WorkspaceFindings): string {
  const asked = `You wrote: "${clip(conversation.text.trim())}". Here is what I found by looking.`;
  const sentences = [asked, aboutHistory(found.log), aboutFiles(found.names, found.trackedFiles)];
  return [...sentences, aboutReadme(found.readme)].filter((sentence) => sentence !== '').join(' ');
}

export interface WorkspaceFindings {
  /** What `git log --oneline` printed. */
  log: string;
  /** Names in the working directory. */
  names: string[];
  /** Undefined if nobody counted them. */
  trackedFiles: number | undefined;
  readme: string | undefined;
}

function aboutHistory(log: string): string {
  const commits = log.split('\n').flatMap((line) => /^[0-9a-f]{7,40} (.+)$/.exec(line.trim())?.[1] ?? []);
  const [latest, ...others] = commits;
  if (latest === undefined) return 'There is no git history to read here.';
  const before = others.length === 0 ? '' : `, after ${others.map((subject) => `"${subject}"`).join(', ')}`;
  return `The latest commit is "${latest}"${before}.`;
}

function aboutFiles(names: string[], trackedFiles: number | undefined): string {
  const counted =
    trackedFiles === undefined ? '' : `Git tracks ${trackedFiles} ${trackedFiles === 1 ? 'file' : 'files'}. `;
  if (names.length === 0) return `${counted}The working directory is empty.`;
  const more = names.length > MAX_SHOWN_NAMES ? ` and ${names.length - MAX_SHOWN_NAMES} more` : '';
  return `${counted}The working directory holds ${names.slice(0, MAX_SHOWN_NAMES).join(', ')}${more}.`;
}

function aboutReadme(readme: string | undefined): string {
  if (readme === undefined) return 'There is no README.md.';
  const lines = readme.split('\n').map((line) => line.trim());
  const title = lines.find((line) => line.startsWith('#'))?.replace(/^#+\s*/, '');
  const first = lines.find((line) => /^\p{L}/u.test(line));
  const named = title === undefined ? 'The README has no title' : `The README is titled "${title}"`;
  return first === undefined ? `${named}.` : `${named} and begins: "${clip(first)}"`;
}
