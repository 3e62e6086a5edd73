/** The patch that a model is writing, from pieces of the arguments of its call. For readers only. Pure. */
import { APPLY_PATCH } from '../../src/contract/plain/tools/apply-patch.ts';
import type { InputPiece } from '../ports.ts';

/** What is shown of it. */
export interface PatchDraft {
  /** Place of the call in the answer. */
  call: number;
  /** The end of the patch so far. */
  text: string;
  /** Number of characters so far. */
  chars: number;
}

/** JSON of which no part of the patch was read yet, and where the reading stands. */
interface Unread {
  json: string;
  at: 'before' | 'inside' | 'after';
}

const TAIL_CHARS = 2_000;
/** The beginning of arguments in which `input` comes first. It has no other member. */
const OPENING = /^\s*\{\s*"input"\s*:\s*"/;
const MAX_OPENING_CHARS = 100;
/** Characters of a JSON string, and whole escapes. */
const WHOLE = /^(?:[^"\\]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*/;

/** Undefined for a piece of another tool. */
export function createPatchReader(): (piece: InputPiece) => PatchDraft | undefined {
  let draft: PatchDraft = { call: -1, text: '', chars: 0 };
  let unread: Unread = { json: '', at: 'before' };
  return ({ call, name, form, delta }) => {
    if (name !== APPLY_PATCH.name) return undefined;
    if (call !== draft.call) {
      draft = { call, text: '', chars: 0 };
      unread = { json: '', at: 'before' };
    }
    const read = form === 'text' ? { text: delta, unread } : readMore({ ...unread, json: unread.json + delta });
    ({ unread } = read);
    const { text, chars } = draft;
    draft = { call, text: (text + read.text).slice(-TAIL_CHARS), chars: chars + read.text.length };
    return draft;
  };
}

function readMore({ json, at }: Unread): { text: string; unread: Unread } {
  const opening = at === 'before' ? OPENING.exec(json)?.[0] : '';
  if (opening === undefined)
    return { text: '', unread: { json, at: json.length > MAX_OPENING_CHARS ? 'after' : 'before' } };
  if (at === 'after') return { text: '', unread: { json: '', at } };
  const body = json.slice(opening.length);
  const whole = WHOLE.exec(body)?.[0] ?? '';
  const rest = body.slice(whole.length);
  return { text: unescaped(whole), unread: { json: rest, at: rest.startsWith('"') ? 'after' : 'inside' } };
}

/** Some endpoints send line ends as they are, which is not JSON. */
function unescaped(text: string): string {
  // eslint-disable-next-line no-control-regex
  return JSON.parse(`"${text.replace(/[\u0000-\u001f]/g, (char) => JSON.stringify(char).slice(1, -1))}"`) as string;
}
