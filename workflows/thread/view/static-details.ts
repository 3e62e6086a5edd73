/** The fixed details of a thread in the Temporal UI: who wants what from it, and where. */
import type { StartThread } from '../../../src/contract/index.ts';
import { codeSpan, literalSpan, words } from '../../sandbox/plain-text.ts';

const TITLE_CHARS = 100;
const WORDS = 200;

/** For the start of a thread, by a client or by another thread. */
export function toStaticTexts(start: StartThread): { staticSummary: string; staticDetails: string } {
  const { threadId, title, workspace, parent, fork, resume, model, approvalPolicy, sandbox } = start;
  const named: [string, string | undefined][] = [
    ['title', title],
    ['works in', workspace.cwd],
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
    staticSummary: words(title ?? '', TITLE_CHARS) || words(threadId, TITLE_CHARS),
    staticDetails: [`${role} ${literalSpan(threadId)}`, '', ...lines, '', ways].join('\n'),
  };
}
