/**
 * Reads the `input` of a Responses request as a conversation: which user text is being worked on, what came in meanwhile,
 * and how far the work is. The server keeps nothing between requests; all of it is read anew each time.
 */
import { isObject } from '../loopback-http.ts';
import { InvalidInput } from './invalid-input.ts';
import { toRules } from './rules.ts';
import type { Conversation, ToolUse } from './types.ts';
import { isSummaryRequest, readSummary, unseal } from './summary.ts';
import type { WorkState } from './types.ts';

type Entry =
  | { type: 'user'; text: string }
  | { type: 'aborted' }
  | { type: 'assistant' }
  | { type: 'summary'; work: WorkState }
  | { type: 'summaryRequest' }
  | { type: 'call'; callId: string; name: string; input: string; isText: boolean }
  | { type: 'output'; callId: string; output: string; isText: boolean };

/** Messages that clients write in the user's name: they are context, not something that was asked. */
const CONTEXT =
  /^\s*(<(environment_context|context_summary|user_instructions|user_shell_command|subagent_notification|review|permissions|skills?|instructions|collaboration_mode|model_switch)\b|# AGENTS\.md instructions)/i;
const ABORTED_MARKER = /^\s*<turn_aborted\b/;
const ABORTED_OUTPUT = /^\s*aborted\b|\baborted by user\b/i;

export function readConversation(input: unknown): Conversation {
  const entries = toEntries(input);
  checkPairs(entries);
  const summarising = entries.at(-1)?.type === 'summaryRequest';
  const texts = entries.flatMap((entry) => (entry.type === 'user' ? [entry.text] : []));
  const last = findText(entries, entries.length);
  if (last < 0) {
    const uses = usesIn(entries);
    const work = { behind: 0, unfinished: false, uses };
    return { text: '', rules: [], additions: [], uses, texts, summarising, work };
  }
  const { start, additions } = findStart(entries, last);
  const text = textAt(entries, start);
  const uses = usesIn(entries.slice(start));
  const since = entries.slice(last + 1).filter(({ type }) => type !== 'summaryRequest');
  const work = { behind: additions.length, unfinished: isWorkOpen(since, start < last), uses };
  return { text, rules: toRules(text), additions, uses, texts, summarising, work };
}

/** @param interrupted whether a later text came in between. */
function isWorkOpen(since: Entry[], interrupted: boolean): boolean {
  const ended = ['assistant', 'aborted'].includes(since.at(-1)?.type ?? '');
  return interrupted ? !ended : isUnfinished(since);
}

/**
 * Where the text being worked on stands. The last user text gives the rules, unless it is plain words that came while an
 * earlier text was being worked on: then the earlier one continues, and the later one is an addition to it.
 */
function findStart(entries: Entry[], last: number): { start: number; additions: string[] } {
  const additions: string[] = [];
  let start = last;
  for (;;) {
    const summarised = summaryAfter(entries, start);
    if (summarised !== null) {
      for (let left = summarised.unfinished ? summarised.behind : 0; left > 0; left--) {
        const earlier = findText(entries, start);
        if (earlier < 0) break;
        additions.unshift(textAt(entries, start));
        start = earlier;
      }
      return { start, additions };
    }
    const earlier = findText(entries, start);
    if (earlier < 0 || !isUnfinished(entries.slice(earlier + 1, start))) return { start, additions };
    additions.unshift(textAt(entries, start));
    if (toRules(textAt(entries, start)).length > 0) return { start, additions };
    start = earlier;
  }
}

/** What a summary between this text and the next one says of the work; null if there is none. */
function summaryAfter(entries: Entry[], text: number): WorkState | null {
  const next = entries.findIndex((entry, index) => index > text && entry.type === 'user');
  const found = entries.slice(text + 1, next < 0 ? entries.length : next).findLast(({ type }) => type === 'summary');
  return found?.type === 'summary' ? found.work : null;
}

/** Work between two user texts that stopped neither with an answer nor with an abort. */
function isUnfinished(between: Entry[]): boolean {
  const last = between.at(-1);
  if (last?.type === 'summary') return last.work.unfinished;
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
  // A summary holds all calls of before, those that an earlier summary held included.
  const from = Math.max(
    0,
    entries.findLastIndex(({ type }) => type === 'summary'),
  );
  return entries.slice(from).flatMap((entry) => {
    if (entry.type === 'summary') return entry.work.uses;
    if (entry.type !== 'call') return [];
    const { callId, name, input } = entry;
    return [{ callId, name, input, output: outputs.get(callId) ?? '' }];
  });
}

/** The API's own rule: every call has its output and every output its call, by `call_id`, and both have one form. */
function checkPairs(entries: Entry[]): void {
  const open = new Set<string>();
  const known = new Map<string, boolean>();
  for (const entry of entries) {
    if (entry.type === 'call') {
      if (known.has(entry.callId)) throw new InvalidInput(`Duplicate tool call id ${entry.callId}.`);
      known.set(entry.callId, entry.isText);
      open.add(entry.callId);
    } else if (entry.type === 'output') {
      if (known.get(entry.callId) !== entry.isText) {
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
  const type = typeof item['type'] === 'string' ? item['type'] : 'message';
  const isText = type.startsWith('custom_tool_call');
  switch (type) {
    case 'message':
      return toMessage(item);
    case 'function_call':
    case 'custom_tool_call': {
      const input = toText(item[type === 'function_call' ? 'arguments' : 'input']);
      return [{ type: 'call', callId: callIdOf(item, index), name: toText(item['name']), input, isText }];
    }
    case 'local_shell_call': {
      const input = JSON.stringify(item['action'] ?? {});
      return [{ type: 'call', callId: callIdOf(item, index), name: 'local_shell', input, isText }];
    }
    case 'function_call_output':
    case 'custom_tool_call_output':
    case 'local_shell_call_output':
      return [{ type: 'output', callId: callIdOf(item, index), output: toText(item['output']), isText }];
    case 'compaction': {
      const work = unseal(item['encrypted_content']);
      return work === null ? [] : [{ type: 'summary', work }];
    }
    default:
      return [];
  }
}

function toMessage(item: Record<string, unknown>): Entry[] {
  const text = toText(item['content']);
  if (item['role'] === 'assistant') return [{ type: 'assistant' }];
  if (ABORTED_MARKER.test(text)) return [{ type: 'aborted' }];
  if (isSummaryRequest(text)) return [{ type: 'summaryRequest' }];
  const work = readSummary(text);
  if (work !== null) return [{ type: 'summary', work }];
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
