/** Keys and lines of the person: they edit the prompt, answer requests, and give commands. Pure. */
import { CONVERSATION } from '../../../contract/plain/turn-kinds.ts';
import { EFFORTS } from '../../../contract/plain/model-options.ts';
import { LIMITS } from '../../../contract/plain/limits.ts';
import { type Part, paint } from '../text/terminal-text.ts';
import { EMPTY, type Key, addPrompt, draftOf, edit, insert, recall, toPlainLines } from './editor.ts';
import { pressInPicker } from './picker.ts';
import { answerQuestion, questionOf, toAnswer } from './requests.ts';
import { type SlashCommand, meaningOf } from './slash.ts';
import {
  type ChatState,
  type Effect,
  type Offers,
  type Step,
  askedNow,
  hasSessions,
  isActive,
  isAtWork,
} from './state.ts';

function step(state: ChatState, out: readonly Part[] = [], effects: readonly Effect[] = []): Step {
  return { state, out, effects };
}

export function pressKey(given: ChatState, key: Key): Step {
  if (key.name === 'interrupt') return pressInterrupt(given);
  const chosen = given.picker === null ? undefined : pressInPicker(given, given.picker, key);
  if (chosen !== undefined) return chosen;
  const state = { ...given, leavingAt: null, picker: null };
  if (given.picker !== null && key.name === 'escape') return step(state);
  const answered = answerByKey(state, key);
  if (answered !== undefined) return answered;
  if (key.name === 'endOfInput') return step(state, [], state.draft.text === '' ? [{ type: 'leave' }] : []);
  if (key.name === 'escape') return pressEscape(state);
  if (key.name === 'enter') return pressEnter(state);
  if (key.name === 'tab') return pressTab(state);
  return key.name === 'takeBack' ? takeBack(state) : editDraft(state, key);
}

function pressEscape(state: ChatState): Step {
  if (state.offers !== null) return step({ ...state, offers: null });
  return step(state, [], isAtWork(state) || hasSessions(state) ? [{ type: 'interrupt' }] : []);
}

/** The first one interrupts, or clears the prompt; the second one leaves. */
function pressInterrupt(state: ChatState): Step {
  if (state.leavingAt !== null) return step(state, [], [{ type: 'leave' }]);
  const { now } = state;
  if (isAtWork(state)) return step({ ...state, leavingAt: now }, [], [{ type: 'interrupt' }]);
  if (state.draft.text !== '') return step({ ...state, draft: EMPTY, offers: null });
  return step({ ...state, leavingAt: now });
}

function answerByKey(state: ChatState, key: Key): Step | undefined {
  const request = askedNow(state);
  if (request === undefined || state.draft.text !== '') return undefined;
  const pressed = key.name === 'escape' ? 'Esc' : key.name === 'text' ? key.text : '';
  // Words that answer a question are typed into the prompt.
  if (request.type === 'userInput' && pressed !== 'Esc') return undefined;
  const answer = toAnswer(request, pressed);
  return answer === undefined ? undefined : sendAnswer(state, answer);
}

function sendAnswer(state: ChatState, answer: NonNullable<ReturnType<typeof toAnswer>>): Step {
  const { requestId } = answer;
  const next = {
    ...state,
    requests: state.requests.filter(({ request }) => request.requestId !== requestId),
    sent: new Set([...state.sent, requestId]),
    answering: null,
  };
  return step(next, [], [{ type: 'resolve', answer }]);
}

function pressEnter(state: ChatState): Step {
  const { text, at } = state.draft;
  if (text[at - 1] === '\\')
    return step({ ...state, draft: insert({ text: text.slice(0, at - 1) + text.slice(at), at: at - 1 }, '\n') });
  return takeText(state, text, 'steer');
}

function pressTab(state: ChatState): Step {
  const { offers, draft } = state;
  if (offers !== null) return step(acceptOffer(state, offers));
  const { type } = meaningOf(draft.text);
  // While a turn runs, Tab lets the prompt wait for its end.
  if (type === 'prompt' && isActive(state)) return takeText(state, draft.text, 'queue');
  return step(state, [], [{ type: 'complete', draft }]);
}

function acceptOffer(state: ChatState, { words, from, to }: Offers): ChatState {
  const { text } = state.draft;
  const word = words.length === 1 ? `${words[0] ?? ''} ` : commonStart(words);
  const before = text.slice(0, from) + word;
  return { ...state, draft: { text: before + text.slice(to), at: before.length }, offers: null };
}

function commonStart(words: readonly string[]): string {
  const [first = ''] = words;
  let length = first.length;
  while (!words.every((word) => word.startsWith(first.slice(0, length)))) length -= 1;
  return first.slice(0, length);
}

/** What a person has entered: an answer, a prompt, or a command. */
function takeText(state: ChatState, text: string, onBusy: 'steer' | 'queue'): Step {
  const meaning = meaningOf(text);
  const cleared = { ...state, draft: EMPTY, offers: null, recall: addPrompt(state.recall, text.trim()) };
  const remember: Effect = { type: 'remember', prompts: cleared.recall.prompts };
  switch (meaning.type) {
    case 'nothing':
      return step({ ...state, draft: EMPTY });
    case 'unknown':
      return step(state, [paint.yellow(`There is no command /${meaning.name}. /help lists them.`)]);
    case 'slash':
      return giveCommand(cleared, meaning.command, remember);
    case 'shell':
      return step(cleared, [], [remember, { type: 'shell', command: meaning.command }]);
    case 'prompt': {
      const answered = answerByText(cleared, text);
      if (answered !== undefined) return answered;
      if (text.length > LIMITS.inputChars) return step(state, [tooLong(text)]);
      const { nextModel: model, nextEffort: effort } = state;
      // Only words can join a turn, and only one of the conversation.
      const joins =
        model === null && effort === null && (state.view?.activeTurn?.kind ?? CONVERSATION) === CONVERSATION;
      const effect: Effect = {
        type: 'submit',
        text,
        onBusy: joins ? onBusy : 'queue',
        model,
        ...(effort && { effort }),
      };
      return step({ ...cleared, nextModel: null, nextEffort: null }, [], [remember, effect]);
    }
  }
}

function giveCommand(state: ChatState, command: SlashCommand, remember: Effect): Step {
  const { name, argument } = command;
  const typed = paint.dim(`/${name} ${argument}`.trim());
  if (name === 'effort' && argument !== '') return giveEffort(state, argument, typed, remember);
  if (name !== 'model' || argument === '') return step(state, [typed], [remember, { type: 'slash', command }]);
  // `/model NAME high` is what Codex takes, too.
  const [, model = '', level] = /^(\S+)\s+(\S+)$/.exec(argument) ?? [];
  const effort = EFFORTS.find((one) => one === level);
  const next = effort === undefined ? { nextModel: argument } : { nextModel: model, nextEffort: effort };
  return step({ ...state, ...next }, [typed, `model ${argument} from the next prompt on`], [remember]);
}

function giveEffort(state: ChatState, argument: string, typed: Part, remember: Effect): Step {
  const effort = EFFORTS.find((one) => one === argument);
  if (effort === undefined) return step(state, [typed, paint.yellow(`An effort is one of ${EFFORTS.join(', ')}.`)]);
  return step({ ...state, nextEffort: effort }, [typed, `effort ${effort} from the next prompt on`], [remember]);
}

function answerByText(state: ChatState, text: string): Step | undefined {
  const request = askedNow(state);
  if (request === undefined || questionOf(request, state.answering) === undefined) return undefined;
  const answered = answerQuestion(request, state.answering, text.trim());
  if (answered === undefined) return undefined;
  const { answering, complete } = answered;
  return complete === null ? step({ ...state, answering }) : sendAnswer(state, complete);
}

function tooLong(text: string): Part {
  const [has, most] = [text.length, LIMITS.inputChars].map((count) => count.toLocaleString('en'));
  return paint.yellow(
    `This text has ${has ?? ''} characters, and a prompt at most ${most ?? ''}. Save it in a file and name that with @.`,
  );
}

/** The newest queued turn returns to the prompt. */
function takeBack(state: ChatState): Step {
  const last = state.view?.queuedTurns.at(-1);
  if (last === undefined || state.draft.text !== '') return step(state);
  if (last.chars > last.text.length)
    return step(state, [paint.yellow('That turn is too long to edit here: only its beginning is known.')]);
  const edit = { op: 'drop' as const, turnId: last.turnId, reason: 'taken back to be edited' };
  return step({ ...state, draft: draftOf(last.text) }, [], [{ type: 'editQueue', edit }]);
}

function editDraft(state: ChatState, key: Key): Step {
  const { draft } = state;
  if (key.name === 'text' && draft.text.length + key.text.length > LIMITS.inputChars)
    return step(state, [tooLong(draft.text + key.text)]);
  const edited = edit(draft, key);
  if (edited !== undefined) return typed(state, edited);
  if (key.name !== 'up' && key.name !== 'down') return step(state);
  const recalled = recall(state.recall, draft, key.name);
  return recalled === undefined ? step(state) : step({ ...state, ...recalled, offers: null });
}

/** A word that begins with @ or / is completed while it is typed. */
function typed(state: ChatState, draft: ChatState['draft']): Step {
  const word = /(?:^|\s)[@/]\S*$/.test(draft.text.slice(Math.max(0, draft.at - 500), draft.at));
  return step({ ...state, draft, offers: null }, [], word ? [{ type: 'complete', draft }] : []);
}

export function pasteText(state: ChatState, pasted: string): Step {
  const text = toPlainLines(pasted);
  if (state.draft.text.length + text.length > LIMITS.inputChars) return step(state, [tooLong(state.draft.text + text)]);
  return step({ ...state, draft: insert(state.draft, text), offers: null });
}

/** Without a terminal: a line answers the open request, or is entered. Nothing is typed ahead by accident here. */
export function takeLine(state: ChatState, text: string): Step {
  const ready = { ...state, requests: state.requests.map((asked) => ({ ...asked, ticks: Infinity })) };
  const [first] = state.requests;
  const answer = first === undefined ? undefined : toAnswer(first.request, text.trim());
  return answer === undefined ? takeText(ready, text, 'queue') : sendAnswer(ready, answer);
}
