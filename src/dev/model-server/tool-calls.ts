/** Shapes calls for the tools that a request offers: other clients have other names for a shell and a patch. */
import { isObject } from '../loopback-http.ts';
import type { Rule } from './rules.ts';
import type { ToolUse } from './types.ts';

export type ToolCall =
  | { type: 'function_call'; name: string; namespace?: string; arguments: string }
  | { type: 'custom_tool_call'; name: string; input: string }
  | { type: 'local_shell_call'; command: string[] };

export interface OfferedTool {
  type: string;
  name: string;
  /** The group of tools it is offered in, where it is; its calls name it. */
  namespace?: string;
  /** JSON schema of the arguments; empty for tools that have none. */
  properties: Record<string, unknown>;
}

/** Calls of a rule; `missing` names what would have been needed and is not offered. */
export type Calls = { calls: ToolCall[] } | { missing: string };

/** The time that a command may take. */
const MAX_COMMAND_MS = 120_000;

const JUSTIFICATION = 'The rule of the prompt asks for this command outside the sandbox.';

export function toOfferedTools(tools: unknown): OfferedTool[] {
  if (!Array.isArray(tools)) return [];
  return tools.filter(isObject).flatMap((tool) => {
    if (tool['type'] !== 'namespace' || typeof tool['name'] !== 'string') return [toOfferedTool(tool)];
    const namespace = tool['name'];
    return toOfferedTools(tool['tools']).map((inner) => ({ ...inner, namespace }));
  });
}

function toOfferedTool(tool: Record<string, unknown>): OfferedTool {
  const parameters = isObject(tool['parameters']) ? tool['parameters'] : {};
  const type = typeof tool['type'] === 'string' ? tool['type'] : 'function';
  return {
    type,
    name: typeof tool['name'] === 'string' ? tool['name'] : type,
    properties: isObject(parameters['properties']) ? parameters['properties'] : {},
  };
}

/** The calls a rule stands for; none for rules that call nothing. @param uses the calls before them */
export function toCalls(rule: Rule, tools: OfferedTool[], uses: readonly ToolUse[]): Calls {
  switch (rule.type) {
    case 'run':
      return runCalls(rule.commands, rule.escalated, tools);
    case 'patch':
      return patchCalls(rule.patch, tools);
    case 'ask':
      return named('request_user_input', tools, { questions: [toQuestion(rule.question, rule.options)] });
    case 'plan':
      return named('update_plan', tools, { plan: rule.steps.map(toPlanStep) });
    case 'spawn':
      return named('spawn_agent', tools, { message: rule.prompt, ...taskNameFor(tools) });
    case 'call':
      return { calls: [{ ...inNamespace(rule.name, tools), arguments: rule.arguments }] };
    case 'session':
      return named('write_stdin', tools, { session_id: newestSession(uses), ...rule.arguments });
    case 'search':
    case 'say':
    case 'think':
    case 'see':
    case 'blind':
    case 'stream':
    case 'answer':
    case 'wait':
    case 'retryAfter':
    case 'status':
    case 'cut':
    case 'garbage':
    case 'hang':
    case 'fail':
    case 'tokens':
    case 'window':
    case 'summary':
    case 'unreadable':
      return { calls: [] };
  }
}

/** 0, which is none, if no command was left running. */
function newestSession(uses: readonly ToolUse[]): number {
  const started = uses
    .filter(({ name }) => name === 'exec_command')
    .map(({ output }) => STILL_RUNNING.exec(output)?.[1]);
  return Number(started.findLast((id) => id !== undefined) ?? 0);
}

/** As Bobbin says it, and as Codex does. */
const STILL_RUNNING = /^(?:Still running, as session|Process running with session ID) (\d+)/m;

export function runCalls(commands: string[], escalated: boolean, tools: OfferedTool[]): Calls {
  const calls = commands.map((command) => shellCall(command, escalated, tools));
  return calls.every((call) => call !== undefined) ? { calls } : { missing: 'a shell tool' };
}

function shellCall(command: string, escalated: boolean, tools: OfferedTool[]): ToolCall | undefined {
  const names = ['exec_command', 'shell_command', 'shell', 'container.exec', 'local_shell'];
  const tool = names.flatMap((name) => tools.filter((offered) => offered.name === name))[0];
  if (tool === undefined) return undefined;
  const argv = ['bash', '-lc', command];
  if (tool.type === 'local_shell') return { type: 'local_shell_call', command: argv };
  const words =
    tool.name === 'exec_command'
      ? { cmd: command, ...untilItsEnd(tool) }
      : { command: takesText(tool) ? command : argv };
  return functionCall(tool, { ...words, ...(escalated ? escalation(tool) : {}) });
}

/** A rule that runs a command is about its end; one that leaves it running calls the tool by its name. */
function untilItsEnd({ properties }: OfferedTool): object {
  return Object.hasOwn(properties, 'timeout_ms') ? { timeout_ms: MAX_COMMAND_MS } : {};
}

function takesText(tool: OfferedTool): boolean {
  const command = tool.properties['command'];
  return isObject(command) ? command['type'] === 'string' : tool.name === 'shell_command';
}

/** A client that offers tools in namespaces needs the name of both. Other names stand as they are, offered or not. */
function inNamespace(
  wanted: string,
  tools: OfferedTool[],
): Omit<Extract<ToolCall, { type: 'function_call' }>, 'arguments'> {
  const type = 'function_call';
  const tool = tools.find(({ name, namespace }) => namespace !== undefined && `${namespace}__${name}` === wanted);
  if (tool?.namespace === undefined) return { type, name: wanted };
  return { type, name: tool.name, namespace: tool.namespace };
}

/** Older clients have a flag where newer ones have a word. */
function escalation(tool: OfferedTool): object {
  const flag = Object.hasOwn(tool.properties, 'with_escalated_permissions');
  const how = flag ? { with_escalated_permissions: true } : { sandbox_permissions: 'require_escalated' };
  return { ...how, justification: JUSTIFICATION };
}

/** Where no patch tool is offered, a shell may know the command of that name, as Codex does. */
function patchCalls(patch: string, tools: OfferedTool[]): Calls {
  const tool = tools.find(({ name }) => name === 'apply_patch');
  if (tool?.type === 'custom') return { calls: [{ type: 'custom_tool_call', name: tool.name, input: patch }] };
  if (tool !== undefined) return { calls: [functionCall(tool, { input: patch })] };
  return runCalls([`apply_patch <<'END_OF_PATCH'\n${patch}\nEND_OF_PATCH`], false, tools);
}

function named(name: string, tools: OfferedTool[], args: object): Calls {
  const tool = tools.find((offered) => offered.name === name);
  return tool === undefined ? { missing: name } : { calls: [functionCall(tool, args)] };
}

function functionCall({ name, namespace }: OfferedTool, args: object): ToolCall {
  return {
    type: 'function_call',
    name,
    ...(namespace === undefined ? {} : { namespace }),
    arguments: JSON.stringify(args),
  };
}

function toQuestion(question: string, options: string[]): object {
  const choices = options.map((label) => ({ label, description: label }));
  return { id: 'question', header: 'Question', question, ...(choices.length === 0 ? {} : { options: choices }) };
}

function toPlanStep(step: string, index: number): object {
  return { step, status: index === 0 ? 'in_progress' : 'pending' };
}

/** One generation of clients names a spawned agent's task. */
function taskNameFor(tools: OfferedTool[]): object {
  const tool = tools.find(({ name }) => name === 'spawn_agent');
  return tool !== undefined && Object.hasOwn(tool.properties, 'task_name') ? { task_name: 'spawned_by_rule' } : {};
}
