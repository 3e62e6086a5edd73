/** From a model's tool call to what the machine does with it. `activities/model/tool-specs.ts` is what the model is told. */
import type { AgentTool, PlanStep, Question } from '../../../src/contract/index.ts';
import { LIMITS } from '../../../src/contract/plain/limits.ts';

export type ParsedCall =
  | {
      type: 'exec';
      command: string;
      workdir: string | null;
      timeoutMs: number;
      escalated: boolean;
      justification: string;
    }
  | { type: 'patch'; patch: string }
  | { type: 'plan'; plan: PlanStep[]; explanation: string }
  | { type: 'question'; questions: Question[] }
  | { type: 'agent'; arguments: AgentArguments }
  | Invalid;

/** `message` is written for the model. */
type Invalid = { type: 'invalid'; message: string };

export const COMMAND_TIMEOUT = { default: 120_000, max: 3_600_000 };

export type AgentArguments =
  | { tool: 'spawn_agent'; name: string; message: string; model: string | null }
  | { tool: 'send_message' | 'followup_task'; target: string; message: string }
  | { tool: 'close_agent'; target: string }
  | { tool: 'wait_agent'; targets: string[]; timeoutMs: number }
  | { tool: 'list_agents' };

/** Milliseconds, as in Codex. */
export const AGENT_WAIT = { min: 10_000, default: 30_000, max: 300_000 };

type Fields = Record<string, unknown>;

export function parseCall(name: string, rawArguments: string): ParsedCall {
  const args = toFields(rawArguments);
  if (args === null) return notAnObject(name);
  switch (name) {
    case 'exec_command':
      return parseExec(args);
    case 'apply_patch':
      return typeof args['input'] === 'string' && args['input'] !== ''
        ? { type: 'patch', patch: args['input'] }
        : { type: 'invalid', message: 'apply_patch: `input` must be the text of a patch.' };
    case 'update_plan':
      return parsePlan(args);
    case 'request_user_input':
      return parseQuestions(args);
    case 'spawn_agent':
    case 'send_message':
    case 'followup_task':
    case 'wait_agent':
    case 'list_agents':
    case 'close_agent':
      return parseAgentCall(name, args);
    default:
      return { type: 'invalid', message: `There is no tool named ${name.slice(0, LIMITS.idChars)}.` };
  }
}

/** The arguments of a call whose tool is not one of ours, as its server will get them. */
export function parseForeignCall(name: string, rawArguments: string): { type: 'foreign'; arguments: Fields } | Invalid {
  const args = toFields(rawArguments);
  return args === null ? notAnObject(name) : { type: 'foreign', arguments: args };
}

function notAnObject(name: string): Invalid {
  return { type: 'invalid', message: `${name}: the arguments are not a JSON object.` };
}

function toFields(json: string): Fields | null {
  try {
    const value: unknown = JSON.parse(json === '' ? '{}' : json);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null;
  } catch {
    return null;
  }
}

function parseExec(args: Fields): ParsedCall {
  const command = args['cmd'];
  if (typeof command !== 'string' || command.trim() === '') {
    return { type: 'invalid', message: 'exec_command: `cmd` must be the command line to run.' };
  }
  const asked = args['timeout_ms'];
  const timeoutMs =
    typeof asked === 'number' && asked > 0 ? Math.min(Math.ceil(asked), COMMAND_TIMEOUT.max) : COMMAND_TIMEOUT.default;
  return {
    type: 'exec',
    command,
    workdir: typeof args['workdir'] === 'string' && args['workdir'] !== '' ? args['workdir'] : null,
    timeoutMs,
    escalated: args['sandbox_permissions'] === 'require_escalated',
    justification: asText(args['justification']),
  };
}

function parsePlan(args: Fields): ParsedCall {
  const steps = args['plan'];
  if (!Array.isArray(steps))
    return { type: 'invalid', message: 'update_plan: `plan` must be a list of { step, status }.' };
  const plan: PlanStep[] = [];
  for (const entry of steps as unknown[]) {
    const { step, status } = (typeof entry === 'object' && entry !== null ? entry : {}) as Fields;
    if (typeof step !== 'string' || (status !== 'pending' && status !== 'in_progress' && status !== 'completed')) {
      return {
        type: 'invalid',
        message: 'update_plan: each entry needs `step` and a `status` of pending, in_progress or completed.',
      };
    }
    plan.push({ step: step.slice(0, LIMITS.shortChars), status });
  }
  return { type: 'plan', plan: plan.slice(0, 100), explanation: asText(args['explanation']) };
}

function parseQuestions(args: Fields): ParsedCall {
  const list = args['questions'];
  if (!Array.isArray(list) || list.length === 0) {
    return {
      type: 'invalid',
      message: 'request_user_input: `questions` must be a list of { id, header, question, options? }.',
    };
  }
  const questions = (list as unknown[]).slice(0, 10).map(toQuestion);
  const found = questions.filter((question) => question !== null);
  if (found.length !== questions.length || new Set(found.map(({ id }) => id)).size !== found.length) {
    return { type: 'invalid', message: 'request_user_input: each question needs a different `id` and a `question`.' };
  }
  return { type: 'question', questions: found };
}

function toQuestion(entry: unknown): Question | null {
  const fields = (typeof entry === 'object' && entry !== null ? entry : {}) as Fields;
  const { id, question, options } = fields;
  if (typeof id !== 'string' || id === '' || typeof question !== 'string' || question === '') return null;
  return {
    id: id.slice(0, LIMITS.idChars),
    header: asText(fields['header']),
    question: question.slice(0, LIMITS.shortChars),
    options: (Array.isArray(options) ? (options as unknown[]) : []).slice(0, 20).map((option) => {
      const { label, description } = (
        typeof option === 'object' && option !== null ? option : { label: option }
      ) as Fields;
      return { label: asText(label), description: asText(description) };
    }),
  };
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, LIMITS.shortChars) : '';
}

// ---------------------------------------------------------------------------------------------------------- agents

function parseAgentCall(tool: AgentTool, args: Fields): ParsedCall {
  const message = words(args['message'], LIMITS.agentMessageChars);
  const target = words(args['target'], LIMITS.idChars);
  const needs = (member: string): ParsedCall => ({ type: 'invalid', message: `${tool}: \`${member}\` is needed.` });
  switch (tool) {
    case 'spawn_agent': {
      const name = words(args['task_name'], 80);
      if (name === null) return needs('task_name');
      if (message === null) return needs('message');
      return { type: 'agent', arguments: { tool, name, message, model: words(args['model'], LIMITS.idChars) } };
    }
    case 'send_message':
    case 'followup_task':
      if (target === null) return needs('target');
      return message === null ? needs('message') : { type: 'agent', arguments: { tool, target, message } };
    case 'close_agent':
      return target === null ? needs('target') : { type: 'agent', arguments: { tool, target } };
    case 'wait_agent':
      return { type: 'agent', arguments: { tool, targets: toTargets(args['targets']), timeoutMs: toWait(args) } };
    case 'list_agents':
      return { type: 'agent', arguments: { tool } };
  }
}

/** Text with something in it, cut to a length; null for anything else. */
function words(value: unknown, max: number): string | null {
  return typeof value === 'string' && value.trim() !== '' ? value.trim().slice(0, max) : null;
}

function toTargets(value: unknown): string[] {
  return Array.isArray(value) ? value.flatMap((one) => words(one, LIMITS.idChars) ?? []).slice(0, 100) : [];
}

function toWait({ timeout_ms: asked }: Fields): number {
  if (typeof asked !== 'number' || !(asked > 0)) return AGENT_WAIT.default;
  return Math.min(AGENT_WAIT.max, Math.max(AGENT_WAIT.min, Math.ceil(asked)));
}
