/** Requests of a thread as elicitations: the client shows them to its person, and sends the answer. */
import { type InputRequest, type InputRequests, inputRequired } from '@modelcontextprotocol/server';
import { z } from 'zod';
import type { ResolveRequest, ThreadRequest } from '../../contract/index.ts';
import { toVisible } from '../../contract/plain/foreign-text.ts';
import { mayBeRemembered } from '../../contract/plain/remembering.ts';
import { toRequestWords } from '../../contract/plain/words/request-words.ts';

/** A longer request is left to a door that can show all of it. */
const MAX_MESSAGE_CHARS = 30_000;
const DECISIONS = ['accept', 'acceptForSession', 'decline', 'cancel'] as const;
const ONCE_DECISIONS = ['accept', 'decline', 'cancel'] as const;
const BUDGET_DECISIONS = ['accept', 'decline'] as const;

/** By request id, which is unique in its thread. Empty if none can be shown whole. */
export function toElicitations(requests: readonly ThreadRequest[]): InputRequests {
  return Object.fromEntries(
    requests.flatMap((request) => {
      const made = toElicitation(request);
      return made === null ? [] : [[request.requestId, made]];
    }),
  );
}

function toElicitation(request: ThreadRequest): InputRequest | null {
  const { title, text, facts } = toRequestWords(request);
  if (text !== null && text.text.length < text.chars) return null;
  const parts = [
    `The agent ${title}`,
    ...(text === null ? [] : [quote(text.text)]),
    ...facts.map(([label, value]) => `${label}:\n${quote(value)}`),
  ];
  const message = parts.join('\n\n');
  if (message.length > MAX_MESSAGE_CHARS) return null;
  return inputRequired.elicit({ mode: 'form', message, requestedSchema: toForm(request) });
}

/** Foreign text stands behind a gutter, so that no line of it looks like one of ours. */
function quote(text: string): string {
  return toVisible(text)
    .split('\n')
    .map((row) => `│ ${row}`)
    .join('\n');
}

function toForm(request: ThreadRequest) {
  if (request.type !== 'userInput') return z.object({ decision: z.enum(decisionsOf(request)) });
  return z.object(
    Object.fromEntries(
      request.questions.map(({ id, question, options }) => {
        const ways = options.map(({ label }) => label).join(', ');
        return [id, z.string().describe(toVisible(ways === '' ? question : `${question} (${ways}, or other words)`))];
      }),
    ),
  );
}

function decisionsOf(request: ThreadRequest) {
  if (request.type === 'budget') return BUDGET_DECISIONS;
  return mayBeRemembered(request) ? DECISIONS : ONCE_DECISIONS;
}

const ResponseSchema = z.object({
  action: z.enum(['accept', 'decline', 'cancel']),
  content: z.record(z.string(), z.unknown()).optional(),
});

/** Null for what is no answer: a dialog that was closed, or words that do not fit. The request then stays open. */
export function toAnswer(request: ThreadRequest, response: unknown): ResolveRequest | null {
  const { requestId } = request;
  const parsed = ResponseSchema.safeParse(response);
  if (!parsed.success || parsed.data.action === 'cancel') return null;
  if (parsed.data.action === 'decline') return { requestId, decision: 'decline' };
  const form = toForm(request).safeParse(parsed.data.content);
  if (!form.success) return null;
  if (request.type !== 'userInput') return { requestId, decision: form.data['decision'] as ResolveRequest['decision'] };
  const answers = Object.entries(form.data).map(([id, words]) => [id, { answers: [words] }]);
  return {
    requestId,
    decision: 'accept',
    answers: Object.fromEntries(answers) as NonNullable<ResolveRequest['answers']>,
  };
}
