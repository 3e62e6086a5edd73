/** The tools for sub-agents. None of them touches the workspace. */
import { toItemId } from '../../../src/contract/plain/item-ids.ts';
import { modelOptionsOf } from '../../../src/contract/plain/model-options.ts';
import { type Action, actionIds } from '../state/actions.ts';
import { completeItem, itemAt } from '../state/log.ts';
import { send } from '../turns/outbox.ts';
import { type Child, type RegularTurn, type ThreadState, type ToolCall, toWorkspace } from '../state/state.ts';
import { toSummary } from '../state/steps.ts';
import {
  beginChild,
  findChild,
  giveTurn,
  isAtWork,
  isOver,
  refuseChild,
  startAction,
  onStart,
  tellToClose,
  withChild,
} from '../agents/sub-threads.ts';
import { TASK_TURN } from '../../../src/contract/plain/given-turns.ts';
import { CONVERSATION } from '../../../src/contract/plain/turn-kinds.ts';
import { AGENT_TOOLS, type AgentArguments } from '../../../src/contract/plain/tools/agents.ts';
import { argumentsOf } from './call-list.ts';

/** The outcome of a call: done with this text for the model, or waiting. */
export type AgentOutcome =
  | { type: 'done'; state: ThreadState; ok: boolean; output: string; receivers?: string[] }
  | { type: 'starting'; state: ThreadState; child: Child }
  | { type: 'waiting'; until: number };

/** Begins a call of an agent tool. */
export function beginAgentCall(state: ThreadState, at: number, turn: RegularTurn, call: ToolCall): AgentOutcome {
  const args = argumentsOf(state, call, AGENT_TOOLS);
  switch (args.tool) {
    case 'spawn_agent':
      return spawn(state, at, turn, args);
    case 'wait_agent':
      return waitOutcome(state, args) ?? { type: 'waiting', until: at + args.timeoutMs };
    case 'list_agents':
      return done(state, JSON.stringify({ agents: state.children.filter(isAgent).map(toListed) }));
    case 'send_message':
    case 'followup_task':
    case 'close_agent':
      return address(state, at, args);
  }
}

function done(state: ThreadState, output: string, receivers?: string[]): AgentOutcome {
  return { type: 'done', state, ok: true, output, ...(receivers === undefined ? {} : { receivers }) };
}

function refused(state: ThreadState, output: string): AgentOutcome {
  return { type: 'done', state, ok: false, output };
}

const isAgent = ({ role }: Child): boolean => role === 'agent';

function toListed({ name, threadId, status, lastAgentMessage }: Child) {
  return { task_name: name, agent_id: threadId, status, last_message: lastAgentMessage };
}

function spawn(
  state: ThreadState,
  at: number,
  turn: RegularTurn,
  args: Extract<AgentArguments, { tool: 'spawn_agent' }>,
): AgentOutcome {
  const refusal = refuseChild(state, 'agent');
  if (refusal !== null) return refused(state, refusal);
  const { settings } = state;
  const begun = beginChild(state, at, {
    name: freeName(state, args.name),
    role: 'agent',
    turnId: turn.turnId,
    start: {
      workspace: toWorkspace(settings),
      title: args.name,
      model: args.model ?? settings.model,
      ...(args.model === null ? modelOptionsOf(settings) : {}),
      approvalPolicy: settings.approvalPolicy,
      sandbox: settings.sandbox,
      agentIdentity: settings.agentIdentity,
      ...(settings.unattended === null ? {} : { unattended: settings.unattended }),
      firstTurn: { turnId: TASK_TURN, kind: CONVERSATION, input: [{ type: 'text', text: args.message }] },
    },
  });
  return { type: 'starting', ...begun };
}

/** A number distinguishes two agents of one name. */
function freeName(state: ThreadState, wanted: string): string {
  const taken = new Set(state.children.map(({ name }) => name));
  let name = wanted;
  for (let n = 2; taken.has(name); n++) name = `${wanted}-${n}`;
  return name;
}

/** An agent by its name or the id of its thread; the newest of that name. */
function agentOf(state: ThreadState, target: string): Child | null {
  const agents = state.children.filter(isAgent);
  return agents.findLast(({ name, threadId }) => name === target || threadId === target) ?? null;
}

function noAgent(state: ThreadState, target: string): AgentOutcome {
  const names = state.children.filter(isAgent).map(({ name }) => name);
  return refused(
    state,
    `There is no agent named ${target}. ${names.length === 0 ? 'None was spawned.' : `There are: ${names.join(', ')}.`}`,
  );
}

function address(
  state: ThreadState,
  at: number,
  args: Extract<AgentArguments, { tool: 'send_message' | 'followup_task' | 'close_agent' }>,
): AgentOutcome {
  const child = agentOf(state, args.target);
  if (child === null) return noAgent(state, args.target);
  const { threadId, name, status } = child;
  if (args.tool === 'close_agent') {
    const closed = tellToClose(state, threadId, 'closed by the agent that started it');
    return done(closed, JSON.stringify({ task_name: name, previous_status: status }), [threadId]);
  }
  if (isOver(child) || child.closing) return refused(state, `Agent ${name} is closed; spawn another one.`);
  if (args.tool === 'followup_task') {
    return done(giveTurn(state, at, child, args.message), `Agent ${name} goes on with it.`, [threadId]);
  }
  const payload = { from: state.threadId, text: args.message };
  return done(send(state, threadId, { signal: 'agentMessage', payload }), `Sent to agent ${name}.`, [threadId]);
}

// --------------------------------------------------------------------------------------------------------- waiting

/** Whether a waiting call has something to report. */
export function waitedEnough(state: ThreadState, call: ToolCall): AgentOutcome | null {
  const args = argumentsOf(state, call, AGENT_TOOLS);
  return args.tool === 'wait_agent' ? waitOutcome(state, args) : null;
}

/** Answers as soon as one of the agents has a report; each report is given once. */
function waitOutcome(state: ThreadState, args: Extract<AgentArguments, { tool: 'wait_agent' }>): AgentOutcome | null {
  const agents = state.children.filter(isAgent);
  const named = args.targets.map((target) => ({ target, child: agentOf(state, target) }));
  const missing = named.find(({ child }) => child === null);
  if (missing !== undefined) return noAgent(state, missing.target);
  const waited = args.targets.length > 0 ? named.flatMap(({ child }) => child ?? []) : agents;
  const told = waited.filter((child) => child.news !== null);
  if (told.length > 0) {
    const marked = told.reduce((current, child) => withChild(current, { ...child, news: null }), state);
    const outcomes = told.map(({ name, status, news }) => ({ task_name: name, status, message: news }));
    return done(
      marked,
      JSON.stringify({ timed_out: false, agents: outcomes }),
      told.map(({ threadId }) => threadId),
    );
  }
  if (waited.some(isAtWork)) return null;
  return done(state, JSON.stringify({ timed_out: false, agents: waited.map(toListed) }));
}

/** The text for a wait that ended without a report: its time is up, or there is new input. */
export const ENDED_WAIT = {
  time: JSON.stringify({ timed_out: true, agents: [] }),
  input: JSON.stringify({ timed_out: false, message: 'Wait interrupted by new input.', agents: [] }),
};

// --------------------------------------------------------------------------------------------------------- actions

/** The child that a spawn call is starting. */
function startedBy(state: ThreadState, call: ToolCall): Child | null {
  const item = itemAt(state.log, call.index);
  const [threadId] = item.type === 'collabAgentToolCall' ? item.receiverThreadIds : [];
  return threadId === undefined ? null : findChild(state, threadId);
}

export function agentCallActions(state: ThreadState, turn: RegularTurn, call: ToolCall): Action[] {
  if (call.until !== null) {
    const about = { type: 'agentWait' as const, turnId: turn.turnId, index: call.index };
    const summary = toSummary('wait for agents', toItemId(call.index));
    return [{ type: 'awaitTime', id: actionIds.wait(call.index), at: call.until, about, summary }];
  }
  const child = startedBy(state, call);
  return child === null ? [] : startAction(state, child);
}

/** The id of the action of a spawn call; null for every other call. */
export function agentActionId(state: ThreadState, call: ToolCall): string | null {
  const child = call.until === null ? startedBy(state, call) : null;
  return child === null ? null : actionIds.child(child.threadId);
}

/** The child of a spawn call has started, or could not. */
export function endSpawn(
  state: ThreadState,
  at: number,
  call: ToolCall,
  failure: string | null,
  wanted: boolean,
): ThreadState {
  const child = startedBy(state, call);
  if (child === null) return state;
  const started = onStart(state, at, child, failure, wanted);
  const output =
    failure === null
      ? JSON.stringify({ task_name: child.name, agent_id: child.threadId })
      : `The agent could not be started: ${failure}`;
  return completeItem(started, at, call.index, { status: failure === null ? 'completed' : 'failed', output });
}
