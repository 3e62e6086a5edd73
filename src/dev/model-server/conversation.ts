/**
 * Reads the `input` of a Responses request as a conversation: which user text is being worked on, what came in meanwhile,
 * and how far the work is. The server keeps nothing between requests; all of it is read anew each time.
 */
import { isObject } from '../loopback-http.ts';
import { toRules } from './rules.ts';
import type { Rule } from './rules.ts';

export interface ToolUse {
  callId: string;
  name: string;
  /** What was called: arguments, patch text, or a command. */
  input: string;
  output: string;
}

export interface Conversation {
  /** The user text that is being worked on. */
  text: string;
  /** Its rules; none where it is plain words. */
  rules: Rule[];
  /** User texts that came while it was being worked on, oldest first. */
  additions: string[];
  /** Calls since that text, in order. */
  uses: ToolUse[];
}

/** An input that the real API refuses with status 400 and this message. */
export class InvalidInput extends Error {}

type Entry =
  | { type: 'user'; text: string }
  | { type: 'aborted' }
  | { type: 'assistant' }
  | { type: 'call'; callId: string; name: string; input: string }
  | { type: 'output'; callId: string; output: string };

/** Messages that clients write in the user's name: they are context, not something that was asked. */
const CONTEXT =
  /^\s*(<(environment_context|user_instructions|user_shell_command|subagent_notification|permissions|skills?|instructions|collaboration_mode|model_switch)\b|# AGENTS\.md instructions)/i;
const ABORTED_MARKER = /^\s*<turn_aborted\b/;
const ABORTED_OUTPUT = /^\s*aborted\b|\baborted by user\b/i;

export function readConversation(input: unknown): Conversation {
  const entries = toEntries(input);
  checkPairs(entries);
  const from = findText(entries, entries.length);
  if (from < 0) return { text: '', rules: [], additions: [], uses: usesIn(entries) };
  const { start, additions } = findStart(entries, from);
  const text = textAt(entries, start);
  return { text, rules: toRules(text), additions, uses: usesIn(entries.slice(start)) };
}

/**
 * Where the text being worked on stands. The last user text gives the rules, unless it is plain words that came while an
 * earlier text was being worked on: then the earlier one goes on, and the later one is an addition to it.
 */
function findStart(entries: Entry[], last: number): { start: number; additions: string[] } {
  const additions: string[] = [];
  let start = last;
  for (;;) {
    const earlier = findText(entries, start);
    if (earlier < 0 || !isUnfinished(entries.slice(earlier + 1, start))) return { start, additions };
    additions.unshift(textAt(entries, start));
    if (toRules(textAt(entries, start)).length > 0) return { start, additions };
    start = earlier;
  }
}

/** Work between two user texts that stopped neither with an answer nor with an abort. */
function isUnfinished(between: Entry[]): boolean {
  const last = between.at(-1);
  if (last?.type === 'output') return !ABORTED_OUTPUT.test(last.output);
  return last?.type === 'call';
}

function findText(entries: Entry[], before: number): number {
  return entries.slice(0, before).findLastIndex((entry) => entry.type === 'user');
}

function textAt(entries: Entry[], index: number): string {
  const entry = entries[index];
  return entry?.type === 'user' ? entry.text : '';
}

function usesIn(entries: Entry[]): ToolUse[] {
  const outputs = new Map(entries.flatMap((entry) => (entry.type === 'output' ? [[entry.callId, entry.output]] : [])));
  return entries.flatMap((entry) =>
    entry.type === 'call'
      ? [{ callId: entry.callId, name: entry.name, input: entry.input, output: outputs.get(entry.callId) ?? '' }]
      : [],
  );
}

/** The API's own rule: every call has its output and every output its call, by `call_id`. */
function checkPairs(entries: Entry[]): void {
  const open = new Set<string>();
  const known = new Set<string>();
  for (const entry of entries) {
    if (entry.type === 'call') {
      if (known.has(entry.callId)) throw new InvalidInput(`Duplicate tool call id ${entry.callId}.`);
      known.add(entry.callId);
      open.add(entry.callId);
    } else if (entry.type === 'output') {
      if (!known.has(entry.callId)) {
        throw new InvalidInput(`No tool call found for function call output with call_id ${entry.callId}.`);
      }
      open.delete(entry.callId);
    }
  }
  const [missing] = open;
  if (missing !== undefined) throw new InvalidInput(`No tool output found for function call ${missing}.`);
}

function toEntries(input: unknown): Entry[] {
  if (typeof input === 'string') return [{ type: 'user', text: input }];
  if (!Array.isArray(input)) throw new InvalidInput("'input' must be a string or a list of items.");
  return input.flatMap((item: unknown, index) => {
    if (!isObject(item)) throw new InvalidInput(`'input[${index}]' must be an object.`);
    return toEntry(item, index);
  });
}

function toEntry(item: Record<string, unknown>, index: number): Entry[] {
  const type = item['type'] ?? 'message';
  switch (type) {
    case 'message':
      return toMessage(item);
    case 'function_call':
    case 'custom_tool_call': {
      const input = toText(item[type === 'function_call' ? 'arguments' : 'input']);
      return [{ type: 'call', callId: callIdOf(item, index), name: toText(item['name']), input }];
    }
    case 'local_shell_call': {
      const input = JSON.stringify(item['action'] ?? {});
      return [{ type: 'call', callId: callIdOf(item, index), name: 'local_shell', input }];
    }
    case 'function_call_output':
    case 'custom_tool_call_output':
    case 'local_shell_call_output':
      return [{ type: 'output', callId: callIdOf(item, index), output: toText(item['output']) }];
    default:
      return [];
  }
}

function toMessage(item: Record<string, unknown>): Entry[] {
  const text = toText(item['content']);
  if (item['role'] === 'assistant') return [{ type: 'assistant' }];
  if (ABORTED_MARKER.test(text)) return [{ type: 'aborted' }];
  return item['role'] === 'user' && !CONTEXT.test(text) ? [{ type: 'user', text }] : [];
}

function callIdOf(item: Record<string, unknown>, index: number): string {
  const callId = item['call_id'];
  if (typeof callId !== 'string' || callId === '') throw new InvalidInput(`Missing 'input[${index}].call_id'.`);
  return callId;
}

/** Text of a string, of a list of content parts, or of an object that holds either under `content`. */
function toText(content: unknown): string {
  if (typeof content === 'string') return content;
  if (Array.isArray(content)) return content.map((part) => (isObject(part) ? toText(part['text']) : '')).join('\n');
  return isObject(content) ? toText(content['content']) : '';
}
