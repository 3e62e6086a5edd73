/** `bobbin thread show`: prints the state of a thread in words. */
import { setTimeout as delay } from 'node:timers/promises';
import { toManagedWords } from '../../../contract/plain/words/managed-words.ts';
import { isPassing } from '../../../client/ask-again.ts';
import type { Bobbin, ThreadHandle } from '../../../client/index.ts';
import type { HostStatus, ThreadOpening, ThreadView } from '../../../contract/index.ts';
import { toAgentTaskWords } from '../../../contract/plain/words/agent-task-words.ts';
import { plural } from '../../../contract/plain/plural.ts';
import { toHostWaitWords, toPhaseWords, toWaitingFor } from '../../../contract/plain/words/waiting-words.ts';
import { EXIT } from '../exit-codes.ts';
import { describeBudget } from './budget-options.ts';
import { describeAge } from '../text/durations.ts';
import { costWords } from '../text/money.ts';
import type { Output } from '../text/output.ts';
import { renderRequest } from '../text/render-request.ts';
import { type Part, beginning, line } from '../text/terminal-text.ts';

export async function show(bobbin: Bobbin, output: Output, threadId: string): Promise<number> {
  const thread = bobbin.threads.get(threadId);
  const view = await viewOrWait(thread);
  if (!('settings' in view)) {
    const { waitsFor } = view;
    const host = waitsFor === null ? null : await bobbin.hosts.show(waitsFor.host).catch(() => null);
    output.result({ ...view, hostStatus: host?.status ?? null }, describeOpening(view, host?.status));
    return EXIT.ok;
  }
  const openRequests = await Promise.all(view.openRequests.map((open) => thread.wholeRequest(open)));
  output.result(view, describeView({ ...view, openRequests }));
  return EXIT.ok;
}

/** A host that is there opens a thread within a moment. */
const MOMENT_MS = 1_000;
const LOOK_EVERY_MS = 100;

async function viewOrWait(thread: ThreadHandle): Promise<ThreadView | ThreadOpening> {
  const until = Date.now() + MOMENT_MS;
  for (;;) {
    const view = await thread.view({ wait: false }).catch((error: unknown) => {
      if (isPassing(error)) return null;
      throw error;
    });
    if (view !== null) return view;
    const opening = await thread.opening();
    if (opening?.waitsFor == null) return thread.view();
    if (Date.now() > until) return opening;
    await delay(LOOK_EVERY_MS);
  }
}

function describeOpening({ threadId, waitsFor }: ThreadOpening, host: HostStatus | undefined): Part[] {
  const there = host === undefined || host === 'away' ? 'no worker serves it' : `it is ${host}`;
  return [
    `thread      ${threadId}: opening`,
    ...(waitsFor === null ? [] : [line`waits for   ${toHostWaitWords(waitsFor)}; ${there}`]),
  ];
}

function describeView(view: ThreadView): Part[] {
  const { settings, activeTurn: turn, forkedFrom } = view;
  const waits = toWaitingFor(view);
  const age = (since: number) => describeAge(Date.now() - since);
  return [
    `thread      ${view.threadId}: ${view.status}, ${age(view.createdAt)} old, last changed ${age(view.updatedAt)} ago`,
    ...(settings.title === '' ? [] : [`title       ${settings.title}`]),
    `workspace   ${settings.cwd}`,
    ...(settings.managed === undefined ? [] : [`clone of    ${toManagedWords(settings.managed)}`]),
    ...(settings.host === undefined ? [] : [`host        ${settings.host}`]),
    ...(forkedFrom === null ? [] : [`fork of     ${forkedFrom.threadId}`]),
    `settings    model ${settings.model}, sandbox ${settings.sandbox}, approvals ${settings.approvalPolicy}`,
    `turns       ${view.turnCount} ended, ${view.queuedTurns.length} queued`,
    ...(turn === null
      ? []
      : [`active      ${turn.turnId} (${turn.kind}), since ${age(turn.startedAt)}: ${phaseOf(turn)}`]),
    ...(waits === null ? [] : [line`waits for   ${waits.who === 'person' ? 'you: ' : ''}${beginning(waits.what)}`]),
    ...view.besideTurns.map((one) => line`beside      ${one.turnId}: ${beginning(one.command)}`),
    ...(view.sessions ?? []).map(
      ({ sessionId, status, command, startedAt }) =>
        line`session     ${sessionId}, ${status} since ${age(startedAt)}: ${beginning(command)}`,
    ),
    ...view.subThreads.map((one) => `${one.role.padEnd(11)} ${one.name} [${one.threadId}]: ${one.status}`),
    ...describeAgentTask(view.agentTask),
    `tokens      ${plural(view.usage.totalTokens, 'token')}${costWords(view.usage.costMicroUsd)}`,
    ...describeBudget(view.budget),
    `context     ${describeContext(view.context)}`,
    `history     ${plural(view.itemCount, 'item')}, ${plural(view.lastSeq, 'event')}, run ${view.runCount}`,
    ...view.openRequests.flatMap((one) => renderRequest(one, view.threadId)),
  ];
}

function describeAgentTask(agentTask: ThreadView['agentTask']): Part[] {
  return toAgentTaskWords(agentTask).map(([label, value], index) => {
    const words = index === 0 ? value : `${label}: ${value}`;
    return line`${index === 0 ? 'agent task  ' : ' '.repeat(12)}${words}`;
  });
}

function phaseOf({ phase }: NonNullable<ThreadView['activeTurn']>): string {
  return toPhaseWords(phase, (name) => name);
}

function describeContext({ tokens, compactAt, compactions }: ThreadView['context']): string {
  const size = tokens === null ? 'size unknown yet' : plural(tokens, 'token');
  const limit = compactAt === null ? '' : `, compacted from ${plural(compactAt, 'token')} on`;
  const times = compactions === 1 ? ', once so far' : `, ${compactions} times so far`;
  return `${size}${limit}${compactions === 0 ? '' : times}`;
}
