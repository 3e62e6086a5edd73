/** Makes an answer of a model fit the history. Pure. */
import { Failure } from '../failures.ts';
import type { ModelOutput } from '../ports.ts';
import { cutToBytes, jsonBytes } from './bounded-text.ts';
import { boundedSearch } from './web-search.ts';

/** In bytes of JSON; low because a thread stores it twice while its calls run. */
const MAX_OUTPUT_BYTES = 300_000;
/** Bytes of each entry in addition to its text. */
const ENTRY_BYTES = 64;
/** Of the summary of reasoning that does not fit. */
const MAX_SUMMARY_BYTES = 4_000;

type Kind<T extends ModelOutput['type']> = Extract<ModelOutput, { type: T }>;

/** Calls must stay whole, so they come first. Text is cut, and reasoning has what is left then. */
export function toBounded(given: readonly ModelOutput[]): ModelOutput[] {
  const output = given.map(toWellFormed);
  let left = output.filter(isWhole).reduce((rest, one) => rest - sizeOf(one) - ENTRY_BYTES, MAX_OUTPUT_BYTES);
  if (left < 0) {
    throw new Failure(
      'modelBadRequest',
      `The model's answer has calls of more than ${MAX_OUTPUT_BYTES} bytes; ask for less at a time.`,
    );
  }
  const fit = <T extends ModelOutput>(one: T, cut: (bytes: number) => T | undefined): T | undefined => {
    const room = left - ENTRY_BYTES;
    const kept = sizeOf(one) <= room ? one : cut(Math.max(0, room));
    left = Math.max(0, room - (kept === undefined ? 0 : sizeOf(kept)));
    return kept;
  };
  const messages = output.map((one) => (one.type === 'message' ? fit(one, (bytes) => cutMessage(one, bytes)) : one));
  return messages.flatMap((one) => (one?.type === 'reasoning' ? fit(one, (bytes) => unsealed(one, bytes)) : one) ?? []);
}

function isWhole({ type }: ModelOutput): boolean {
  return type === 'toolCall' || type === 'webSearch';
}

function cutMessage(message: Kind<'message'>, bytes: number): Kind<'message'> {
  return { ...message, text: cutWithNote(message.text, bytes) };
}

/** Sealed reasoning cannot be cut, and its summary only serves readers. */
function unsealed({ summary }: Kind<'reasoning'>, bytes: number): Kind<'reasoning'> | undefined {
  const text = summary.join('\n\n');
  const most = Math.min(bytes, MAX_SUMMARY_BYTES);
  if (text === '' || most === 0) return undefined;
  return { type: 'reasoning', summary: [jsonBytes(text) <= most ? text : cutWithNote(text, most)] };
}

function cutWithNote(text: string, bytes: number): string {
  const kept = cutToBytes(bytes, text);
  return `${kept}\n… ${text.length - kept.length} characters were left out`;
}

/** Removes halves of characters: strict endpoints would refuse every later request of the thread. */
function toWellFormed(output: ModelOutput): ModelOutput {
  switch (output.type) {
    case 'message':
      return { ...output, text: output.text.toWellFormed() };
    case 'toolCall':
      return { ...output, arguments: output.arguments.toWellFormed() };
    case 'reasoning':
      return { ...output, summary: output.summary.map((text) => text.toWellFormed()) };
    case 'webSearch':
      return { ...output, action: boundedSearch(output.action) };
  }
}

function sizeOf(output: ModelOutput): number {
  switch (output.type) {
    case 'message':
      return jsonBytes(output.text);
    case 'toolCall':
      return jsonBytes(output.arguments) + jsonBytes(output.name) + jsonBytes(output.callId);
    case 'webSearch':
      return JSON.stringify(output.action).length;
    case 'reasoning':
      return [...output.summary, output.encryptedContent ?? '', output.id ?? ''].reduce(
        (sum, text) => sum + jsonBytes(text),
        0,
      );
  }
}
