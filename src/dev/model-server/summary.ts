/**
 * Summaries by a server that understands nothing: besides a sentence of what it saw, each holds where the work stands, so
 * that a conversation that was replaced by it goes on where it was.
 */
import { isObject } from '../loopback-http.ts';
import { SERVER_NAME, SIGNATURE } from './answer-text.ts';
import type { Conversation, ToolUse, WorkState } from './types.ts';

/** What clients ask for a summary with: Bobbin, and Codex. */
const REQUEST = /^\s*(<context_summary_request>|You are performing a CONTEXT CHECKPOINT COMPACTION)/i;
const STATE = /<offline_work_state>(.*)<\/offline_work_state>/s;
/** Characters of each output, and of all of them, that a summary repeats. */
const MAX_OUTPUT = 2_000;
const MAX_OUTPUTS = 20_000;

export function isSummaryRequest(text: string): boolean {
  return REQUEST.test(text);
}

export function toSummary({ texts, work }: Conversation, words: string): string {
  const seen = `${SERVER_NAME}, which understands nothing, saw ${count(texts.length, 'message')} and, since the one it works on, ${count(work.uses.length, 'call')}.`;
  return `${words || seen}\n<offline_work_state>${JSON.stringify(bounded(work))}</offline_work_state>\n\n${SIGNATURE}`;
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

function bounded(work: WorkState): WorkState {
  const each = Math.min(MAX_OUTPUT, Math.floor(MAX_OUTPUTS / Math.max(1, work.uses.length)));
  return { ...work, uses: work.uses.map((use) => ({ ...use, output: use.output.slice(0, each) })) };
}

/** The state in a summary of this server; null in any other text. */
export function readSummary(text: string): WorkState | null {
  const json = STATE.exec(text)?.[1];
  if (json === undefined) return null;
  try {
    const state: unknown = JSON.parse(json);
    if (!isObject(state) || !Array.isArray(state['uses'])) return null;
    const { behind, unfinished, uses } = state;
    return { behind: Number(behind), unfinished: unfinished === true, uses: uses as ToolUse[] };
  } catch {
    return null;
  }
}

const SEAL = 'offline-not-encrypted:';

/** The same as content of a compaction item: nothing about it is secret, and it says so. */
export function seal(summary: string): string {
  return SEAL + Buffer.from(summary).toString('base64url');
}

export function unseal(content: unknown): WorkState | null {
  if (typeof content !== 'string' || !content.startsWith(SEAL)) return null;
  return readSummary(Buffer.from(content.slice(SEAL.length), 'base64url').toString('utf8'));
}
