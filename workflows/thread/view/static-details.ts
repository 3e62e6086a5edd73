/** The fixed details of a thread in the Temporal UI: who wants what from it, and where. */
import type { InputItem, StartThread } from '../../../src/contract/index.ts';
import { toInputText } from '../../../src/contract/plain/images/image-types.ts';
import type { ThreadState } from '../state/state.ts';
import { codeSpan, firstLine, literalSpan, words } from '../../sandbox/plain-text.ts';

const TITLE_CHARS = 100;
const WORDS = 200;

/** The first line of a prompt, for where a thread has no title. Without secrets. */
export function toPromptLine(input: readonly InputItem[] = []): string {
  return firstLine(toInputText(input), TITLE_CHARS);
}

/** Null as long as there is none, or if it is no longer in the state. */
export function firstPrompt({ log }: ThreadState): string | null {
  const first = log.firstItem === 0 ? log.items.find((item) => item.type === 'userMessage') : undefined;
  return first === undefined ? null : toPromptLine(first.content);
}

/** For the start of a thread, by a client or by another thread. @param prompt of its first turn, if that is known */
export function toStaticTexts(start: StartThread, prompt = ''): { staticSummary: string; staticDetails: string } {
  const { threadId, title, workspace, parent, fork, resume, model, approvalPolicy, sandbox } = start;
  const named: [string, string | undefined][] = [
    ['title', title],
    ['works in', workspace.cwd],
    ['works in a clone of', workspace.repository],
    ['on host', workspace.host],
    ['model', model],
    ['approvals', approvalPolicy],
    ['sandbox', sandbox],
    ['started by thread', parent?.threadId],
    ['forked from thread', fork?.threadId],
    ['goes on from run', resume?.runId],
  ];
  const lines = named.flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [`- ${name} ${codeSpan(value, WORDS)}`],
  );
  const role = parent === undefined ? 'Thread' : `Sub-thread (${parent.role})`;
  const ways = `Follow it with ${literalSpan(`bobbin thread watch ${threadId}`)}, ask with ${literalSpan(`bobbin thread show ${threadId}`)}.`;
  return {
    staticSummary: words(title ?? '', TITLE_CHARS) || words(prompt, TITLE_CHARS) || words(threadId, TITLE_CHARS),
    staticDetails: [`${role} ${literalSpan(threadId)}`, '', ...lines, '', ways].join('\n'),
  };
}
