/** Decides what a request is answered with: the rules of its text, and how far the calls after that text have come. */
import { countedWords, quoteAdditions, quoteUses, SIGNATURE, signed, wordsOfLength } from './answer-text.ts';
import type { Segment } from './answer-text.ts';
import { nextOfReview, signedFindings } from './code-review.ts';
import type { Conversation } from './types.ts';
import { toRules } from './rules.ts';
import type { Rule } from './rules.ts';
import { describeImage, type ShownImage } from './shown-images.ts';
import { toSummary } from './summary.ts';
import { toCalls } from './tool-calls.ts';
import type { OfferedTool, ToolCall } from './tool-calls.ts';
import { nextOfTour } from './workspace-tour.ts';

/** Output of one response, in order. */
export type OutputPart =
  { type: 'message'; segments: Segment[] } | { type: 'web_search_call'; query: string } | Reasoning | ToolCall;

export interface Reasoning {
  type: 'reasoning';
  thoughts: string[];
  /** Whether the client gets a summary of them. */
  summarised: boolean;
}

export type Move = { delayMs: number } & (
  | {
      type: 'respond';
      output: OutputPart[];
      inputTokens?: number;
      cutAfter?: number;
      failure?: { as: FailureEvent; code: string };
    }
  | { type: 'refuse'; status: number; code: string | undefined; retryAfterSeconds: number | undefined }
  | { type: 'garbage' }
  | { type: 'silence' }
);
export type FailureEvent = 'response.failed' | 'error';

export interface Surroundings {
  tools: OfferedTool[];
  /** Tokens of the whole request. */
  tokens: number;
  /** All that the request shows. */
  images: readonly ShownImage[];
  /** Whether a response may hold several calls. */
  parallel: boolean;
  /** Whether the answer is to be the findings of a review, as JSON. */
  review: boolean;
  /** Whether summaries of reasoning are asked for. */
  summarised: boolean;
  /** Counts one more meeting of this request with a rule line, and says the how manieth it is. */
  meet: (line: string) => number;
}

/** What the rules passed on the way to the next call or to the end have gathered. */
interface Gathered {
  delayMs: number;
  retryAfterSeconds: number | undefined;
  cutAfter: number | undefined;
  /** Input tokens to report. */
  tokens: number | undefined;
  segments: Segment[];
  reasoning: Reasoning;
  /** Searches of the web, before the segments. */
  searches: OutputPart[];
  /** Sentences about rules that could not be followed. */
  remarks: string[];
}

export function nextMove(conversation: Conversation, around: Surroundings): Move {
  if (conversation.summarising) return summaryMove(conversation, around);
  if (conversation.rules.length === 0)
    return around.review ? reviewMove(conversation, around) : tourMove(conversation, around);
  const { rules, done } = pending(conversation, around.tools);
  const gathered = gatherNothing(around);
  for (const rule of rules) {
    const stop = follow(rule, gathered, around);
    if (stop !== undefined) return { ...stop, delayMs: gathered.delayMs };
    const calls = toCalls(rule, around.tools, conversation.uses);
    if ('missing' in calls) gathered.remarks.push(`The rule \`${rule.type}\` needs ${calls.missing}: not offered.`);
    else if (calls.calls.length > 0) return respond(gathered, [...preamble(gathered), ...calls.calls.slice(done)]);
  }
  return respond(gathered, [{ type: 'message', segments: finalAnswer(conversation, gathered, around) }]);
}

function gatherNothing({ summarised }: Surroundings): Gathered {
  const nothing = { retryAfterSeconds: undefined, cutAfter: undefined, tokens: undefined };
  const reasoning: Reasoning = { type: 'reasoning', thoughts: [], summarised };
  return { ...nothing, delayMs: 0, segments: [], searches: [], reasoning, remarks: [] };
}

/** Follows the rules for summaries of the newest text that has any. */
function summaryMove(conversation: Conversation, around: Surroundings): Move {
  const gathered = gatherNothing(around);
  const rulesOf = (text: string) => toRules(text).flatMap((rule) => (rule.type === 'summary' ? [rule.rule] : []));
  const rules = conversation.texts.map(rulesOf).findLast((found) => found.length > 0) ?? [];
  for (const rule of rules) {
    const stop = follow(rule, gathered, around);
    if (stop !== undefined) return { ...stop, delayMs: gathered.delayMs };
  }
  const paced = gathered.segments.some(({ intervalMs }) => intervalMs !== undefined);
  const words = gathered.segments.map(({ text }) => text).join('');
  const segments = paced
    ? [...gathered.segments, { text: `\n${toSummary(conversation, ' ')}` }]
    : [{ text: toSummary(conversation, words) }];
  return respond(gathered, [{ type: 'message', segments }]);
}

function tourMove(conversation: Conversation, { tools, parallel }: Surroundings): Move {
  const next = nextOfTour(conversation, tools, parallel);
  if ('calls' in next) return { type: 'respond', delayMs: 0, output: next.calls };
  const segments = signed(inParagraphs([next.text, quoteAdditions(conversation.additions)]));
  return { type: 'respond', delayMs: 0, output: [{ type: 'message', segments }] };
}

function reviewMove(conversation: Conversation, { tools, parallel }: Surroundings): Move {
  const next = nextOfReview(conversation, tools, parallel);
  if ('calls' in next) return { type: 'respond', delayMs: 0, output: next.calls };
  const findings = signedFindings(next.text);
  const answer = findings === null ? signed([{ text: next.text }]) : [{ text: findings }];
  return { type: 'respond', delayMs: 0, output: [{ type: 'message', segments: answer }] };
}

/** The rules after the last one whose calls are all made; `done` counts the calls made of the next one that calls. */
function pending({ rules, uses }: Conversation, tools: OfferedTool[]): { rules: Rule[]; done: number } {
  let start = 0;
  let done = uses.length;
  for (const [index, rule] of rules.entries()) {
    const calls = toCalls(rule, tools, uses);
    const count = 'missing' in calls ? 0 : calls.calls.length;
    if (count > done) break;
    if (count > 0) start = index + 1;
    done -= count;
  }
  return { rules: rules.slice(start), done };
}

/** Applies a rule. Returns a move if the rule replaces the response. */
function follow(rule: Rule, gathered: Gathered, { meet, tokens, tools, images }: Surroundings): Stop | undefined {
  switch (rule.type) {
    case 'wait':
      gathered.delayMs += rule.ms;
      return undefined;
    case 'retryAfter':
      gathered.retryAfterSeconds = rule.seconds;
      return undefined;
    case 'tokens':
      gathered.tokens = rule.tokens;
      return undefined;
    case 'window':
      return tokens > rule.tokens ? { ...TOO_LONG } : undefined;
    case 'summary':
      return undefined;
    case 'cut':
      if (meet(rule.line) <= rule.times) gathered.cutAfter = rule.events;
      return undefined;
    case 'search':
      if (tools.some(({ type }) => type === 'web_search'))
        gathered.searches.push({ type: 'web_search_call', query: rule.query });
      else gathered.remarks.push('The rule `search` needs web_search: not offered.');
      return undefined;
    case 'say':
      add(gathered, { text: rule.text });
      return undefined;
    case 'think':
      gathered.reasoning.thoughts.push(rule.text);
      return undefined;
    case 'blind':
      return images.length === 0 ? undefined : { ...NO_IMAGES };
    case 'see':
      add(gathered, { text: images.map(describeImage).join('\n') || 'I see no image.' });
      return undefined;
    case 'stream':
      add(gathered, { text: countedWords(rule.words), intervalMs: rule.intervalMs });
      return undefined;
    case 'answer':
      add(gathered, { text: wordsOfLength(Math.max(0, rule.bytes - SIGNATURE.length - 2)) });
      return undefined;
    case 'unreadable':
      gathered.remarks.push(`I cannot read the rule line \`${rule.line}\`.`);
      return undefined;
    case 'status':
    case 'garbage':
    case 'hang':
    case 'fail':
      return meet(rule.line) <= rule.times ? toStop(rule, gathered) : undefined;
    case 'run':
    case 'patch':
    case 'ask':
    case 'plan':
    case 'spawn':
    case 'call':
    case 'session':
      return undefined;
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
type Stop = DistributiveOmit<Move, 'delayMs'>;

const NO_IMAGES = { type: 'refuse', status: 400, code: 'image_not_supported', retryAfterSeconds: undefined } as const;

const TOO_LONG = {
  type: 'refuse',
  status: 400,
  code: 'context_length_exceeded',
  retryAfterSeconds: undefined,
} as const;

function toStop(rule: Extract<Rule, { type: 'status' | 'garbage' | 'hang' | 'fail' }>, gathered: Gathered): Stop {
  switch (rule.type) {
    case 'status': {
      const { status, code } = rule;
      const retryAfterSeconds = gathered.retryAfterSeconds ?? (status === 429 ? 1 : undefined);
      return { type: 'refuse', status, code, retryAfterSeconds };
    }
    case 'garbage':
      return { type: 'garbage' };
    case 'hang':
      return { type: 'silence' };
    case 'fail':
      return { type: 'respond', output: preamble(gathered), failure: { as: rule.as, code: rule.code } };
  }
}

function add(gathered: Gathered, segment: Segment): void {
  if (gathered.segments.length > 0) gathered.segments.push({ text: '\n' });
  gathered.segments.push(segment);
}

function preamble({ segments }: Gathered): OutputPart[] {
  return segments.length === 0 ? [] : [{ type: 'message', segments: signed(segments) }];
}

function respond({ delayMs, cutAfter, tokens, searches, reasoning }: Gathered, output: OutputPart[]): Move {
  return {
    type: 'respond',
    delayMs,
    output: [...(reasoning.thoughts.length === 0 ? [] : [reasoning]), ...searches, ...output],
    ...(cutAfter === undefined ? {} : { cutAfter }),
    ...(tokens === undefined ? {} : { inputTokens: tokens }),
  };
}

/** The text that the rules give, or else what the calls gave; then remarks, what came meanwhile, and the signature. */
function finalAnswer(
  { uses, additions }: Conversation,
  { segments, remarks }: Gathered,
  { review }: Surroundings,
): Segment[] {
  const findings = review ? signedFindings(segments.map(({ text }) => text).join('')) : null;
  if (findings !== null) return [{ text: findings }];
  const rest = inParagraphs([remarks.join('\n'), quoteAdditions(additions)]);
  if (segments.length > 0) return signed([...segments, ...rest.map(({ text }) => ({ text: `\n\n${text}` }))]);
  const quoted = uses.length > 0 ? quoteUses(uses) : '';
  return signed(inParagraphs([quoted || (rest.length === 0 ? 'Done.' : ''), ...rest.map(({ text }) => text)]));
}

function inParagraphs(texts: string[]): Segment[] {
  const text = texts.filter((part) => part !== '').join('\n\n');
  return text === '' ? [] : [{ text }];
}
