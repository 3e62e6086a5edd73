/**
 * The rules that a prompt may hold, one a line, in the order in which they are followed. `[times]` is how often the same
 * request meets the rule before it continues; without it, always.
 *
 *   run: COMMAND            one command, as a tool call of its own response
 *   parallel: COMMAND       consecutive lines of these are the calls of one response
 *   escalate: COMMAND       one command, asking to leave the sandbox
 *   patch:                  all that follows, to the end of the text, is one patch
 *   ask: QUESTION           request_user_input; options may follow the question, each after ` | `
 *   plan: A; B; C           update_plan, the first step in progress
 *   spawn: PROMPT           spawn_agent
 *   search: QUERY           a search of the web, which the server itself has done; its response goes on
 *   call: NAME ARGUMENTS    any tool, the arguments as they stand, be they JSON or not
 *   session: ARGUMENTS      write_stdin to the command that was left running last; JSON, without its id
 *   say: TEXT               text of the answer; before a call, text of the response that holds the call
 *   think: TEXT             reasoning ahead of the response it stands in; its summary is sent if one is asked for
 *   see:                    text of the answer: each image of the request, by its type, size and hash
 *   blind:                  from here on a request with an image is refused, as by an endpoint that takes none
 *   stream: N M             the same with N words, M milliseconds apart
 *   answer: N               the same with N bytes of words, signature included
 *   wait: MS                delays the first byte of the response it stands in
 *   status: CODE [times] [error_code]    that HTTP status instead of a response; 429 comes with `Retry-After: 1`
 *   retry-after: SECONDS    sets that header for the status line that follows
 *   cut: N [times]          breaks the connection after N events of the response
 *   garbage: [times]        status 200 and a body that is no event stream
 *   hang: [times]           no answer at all
 *   fail: CODE [times]      a stream that ends with `response.failed` and this error code
 *   error: CODE [times]     a stream that ends with an `error` event and this code
 *   tokens: N               the response it stands in reports N input tokens
 *   window: N               from here on a request of more than N tokens is refused as too long
 *   summary: RULE           one of these rules, for a summary or a compaction that this text is the newest of
 */
import { isObject } from '../loopback-http.ts';

/** How often a rule is met, and the name it is counted under. */
interface Counted {
  times: number;
  line: string;
}

export type Rule =
  | { type: 'run'; commands: string[]; escalated: boolean; parallel: boolean }
  | { type: 'patch'; patch: string }
  | { type: 'ask'; question: string; options: string[] }
  | { type: 'plan'; steps: string[] }
  | { type: 'spawn'; prompt: string }
  | { type: 'call'; name: string; arguments: string }
  | { type: 'session'; arguments: Record<string, unknown> }
  | { type: 'search'; query: string }
  | { type: 'say'; text: string }
  | { type: 'think'; text: string }
  | { type: 'see' }
  | { type: 'blind' }
  | { type: 'stream'; words: number; intervalMs: number }
  | { type: 'answer'; bytes: number }
  | { type: 'wait'; ms: number }
  | { type: 'retryAfter'; seconds: number }
  | { type: 'tokens'; tokens: number }
  | { type: 'window'; tokens: number }
  | { type: 'summary'; rule: Rule }
  | ({ type: 'status'; status: number; code: string | undefined } & Counted)
  | ({ type: 'cut'; events: number } & Counted)
  | ({ type: 'garbage' } & Counted)
  | ({ type: 'hang' } & Counted)
  | ({ type: 'fail'; code: string; as: 'response.failed' | 'error' } & Counted)
  | { type: 'unreadable'; line: string };

/** Gives the rule, or nothing if the words after the name make no sense. */
type Reader = (rest: string, line: string) => Rule | undefined;

const MAX_WORDS = 1_000_000;
const MAX_BYTES = 32 * 1024 * 1024;
const ALWAYS = Number.POSITIVE_INFINITY;

const READERS: Record<string, Reader> = {
  run: (rest) => withText(rest, () => ({ type: 'run', commands: [rest], escalated: false, parallel: false })),
  parallel: (rest) => withText(rest, () => ({ type: 'run', commands: [rest], escalated: false, parallel: true })),
  escalate: (rest) => withText(rest, () => ({ type: 'run', commands: [rest], escalated: true, parallel: false })),
  spawn: (rest) => withText(rest, () => ({ type: 'spawn', prompt: rest })),
  search: (rest) => withText(rest, () => ({ type: 'search', query: rest })),
  say: (rest) => ({ type: 'say', text: rest }),
  think: (rest) => withText(rest, () => ({ type: 'think', text: rest })),
  see: () => ({ type: 'see' }),
  blind: () => ({ type: 'blind' }),
  ask(rest) {
    const [question = '', ...options] = rest.split(' | ').map((part) => part.trim());
    return withText(question, () => ({ type: 'ask', question, options }));
  },
  plan(rest) {
    const steps = rest.split(';').map((step) => step.trim());
    return { type: 'plan', steps: steps.filter((step) => step !== '') };
  },
  call(rest) {
    const [name = '', text = ''] = splitOnce(rest);
    return withText(name, () => ({ type: 'call', name, arguments: text }));
  },
  session(rest) {
    const args = fromJson(rest);
    return isObject(args) ? { type: 'session', arguments: args } : undefined;
  },
  stream: (rest) =>
    withNumbers(rest, 2, 2, ([words = 0, intervalMs = 0]) =>
      words <= MAX_WORDS ? { type: 'stream', words, intervalMs } : undefined,
    ),
  answer: (rest) =>
    withNumbers(rest, 1, 1, ([bytes = 0]) => (bytes <= MAX_BYTES ? { type: 'answer', bytes } : undefined)),
  wait: (rest) => withNumbers(rest, 1, 1, ([ms = 0]) => ({ type: 'wait', ms })),
  tokens: (rest) => withNumbers(rest, 1, 1, ([tokens = 0]) => ({ type: 'tokens', tokens })),
  window: (rest) => withNumbers(rest, 1, 1, ([tokens = 0]) => ({ type: 'window', tokens })),
  summary(rest, line) {
    const [, name = '', words = ''] = LINE.exec(rest) ?? [];
    const rule = Object.hasOwn(READERS, name) ? READERS[name]?.(words.trim(), line) : undefined;
    return rule === undefined ? undefined : { type: 'summary', rule };
  },
  'retry-after': (rest) => withNumbers(rest, 1, 1, ([seconds = 0]) => ({ type: 'retryAfter', seconds })),
  status(rest, line) {
    const words = toWords(rest);
    const code = words.find((word) => !isNumber(word));
    const [status = 0, times = ALWAYS] = words.filter(isNumber).map(Number);
    return status >= 400 && status <= 599 ? { type: 'status', status, code, times, line } : undefined;
  },
  cut: (rest, line) =>
    withNumbers(rest, 1, 2, ([events = 0, times = ALWAYS]) => ({ type: 'cut', events, times, line })),
  garbage: (rest, line) => withNumbers(rest, 0, 1, ([times = ALWAYS]) => ({ type: 'garbage', times, line })),
  hang: (rest, line) => withNumbers(rest, 0, 1, ([times = ALWAYS]) => ({ type: 'hang', times, line })),
  fail: (rest, line) => toFailure('response.failed', rest, line),
  error: (rest, line) => toFailure('error', rest, line),
};

const LINE = /^\s*([a-z][a-z-]*):(.*)$/;
const PATCH_LINE = /^[ \t]*patch:[ \t]*/m;

/** The rules of a text; none if it holds no rule line. Other lines between rules are ignored. */
export function toRules(text: string): Rule[] {
  const patchAt = PATCH_LINE.exec(text);
  const lines = (patchAt === null ? text : text.slice(0, patchAt.index)).split('\n');
  const rules: Rule[] = [];
  for (const [index, line] of lines.entries()) {
    const rule = toRule(line, index);
    if (rule !== undefined) append(rules, rule);
  }
  if (patchAt !== null) rules.push({ type: 'patch', patch: text.slice(patchAt.index + patchAt[0].length).trim() });
  return rules;
}

function toRule(line: string, index: number): Rule | undefined {
  const [, name = '', rest = ''] = LINE.exec(line) ?? [];
  if (!Object.hasOwn(READERS, name)) return undefined;
  return READERS[name]?.(rest.trim(), `${index}:${line}`) ?? { type: 'unreadable', line: line.trim() };
}

/** Consecutive parallel lines become one rule. */
function append(rules: Rule[], rule: Rule): void {
  const last = rules.at(-1);
  if (rule.type === 'run' && rule.parallel && last?.type === 'run' && last.parallel) {
    last.commands.push(...rule.commands);
  } else {
    rules.push(rule);
  }
}

function toFailure(as: 'response.failed' | 'error', rest: string, line: string): Rule | undefined {
  const [code, times, more] = toWords(rest);
  if (code === undefined || more !== undefined || (times !== undefined && !isNumber(times))) return undefined;
  return { type: 'fail', code, as, times: times === undefined ? ALWAYS : Number(times), line };
}

function withText(text: string, then: () => Rule): Rule | undefined {
  return text === '' ? undefined : then();
}

function withNumbers(
  rest: string,
  fewest: number,
  most: number,
  then: (numbers: number[]) => Rule | undefined,
): Rule | undefined {
  const words = toWords(rest);
  const fits = words.length >= fewest && words.length <= most && words.every(isNumber);
  return fits ? then(words.map(Number)) : undefined;
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isNumber(word: string): boolean {
  return /^\d{1,9}$/.test(word);
}

function toWords(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}

function splitOnce(text: string): string[] {
  const at = text.search(/\s/);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1).trim()];
}
