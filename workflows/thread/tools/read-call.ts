/** From a model's tool call to what the machine does with it. */
import type { PlanStep, Question } from '../../../src/contract/index.ts';
import { LIMITS } from '../../../src/contract/plain/limits.ts';
import { AGENT_TOOLS, type AgentArguments } from '../../../src/contract/plain/tools/agents.ts';
import { APPLY_PATCH } from '../../../src/contract/plain/tools/apply-patch.ts';
import { EXEC_COMMAND, type ExecArguments } from '../../../src/contract/plain/tools/exec-command.ts';
import { REQUEST_USER_INPUT } from '../../../src/contract/plain/tools/request-user-input.ts';
import {
  type Fields,
  type InvalidCall,
  isInvalid,
  notAnObject,
  toFields,
} from '../../../src/contract/plain/tools/tool.ts';
import { UPDATE_PLAN } from '../../../src/contract/plain/tools/update-plan.ts';

export type ParsedCall =
  | ({ type: 'exec' } & ExecArguments)
  | { type: 'patch'; patch: string }
  | { type: 'plan'; plan: PlanStep[]; explanation: string }
  | { type: 'question'; questions: Question[] }
  | { type: 'agent'; arguments: AgentArguments }
  | Invalid;

/** `message` is written for the model. */
type Invalid = { type: 'invalid'; message: string };

export function parseCall(name: string, rawArguments: string): ParsedCall {
  const fields = toFields(rawArguments);
  if (fields === null) return invalid(notAnObject(name));
  const agent = AGENT_TOOLS.find((tool) => tool.name === name)?.read(fields);
  if (agent !== undefined) return isInvalid(agent) ? invalid(agent) : { type: 'agent', arguments: agent };
  switch (name) {
    case EXEC_COMMAND.name:
      return tagged('exec', EXEC_COMMAND.read(fields));
    case APPLY_PATCH.name:
      return tagged('patch', APPLY_PATCH.read(fields));
    case UPDATE_PLAN.name:
      return tagged('plan', UPDATE_PLAN.read(fields));
    case REQUEST_USER_INPUT.name:
      return tagged('question', REQUEST_USER_INPUT.read(fields));
    default:
      return { type: 'invalid', message: `There is no tool named ${name.slice(0, LIMITS.idChars)}.` };
  }
}

/** The arguments of a call whose tool is not one of ours, as its server will get them. */
export function parseForeignCall(name: string, rawArguments: string): { type: 'foreign'; arguments: Fields } | Invalid {
  const fields = toFields(rawArguments);
  return fields === null ? invalid(notAnObject(name)) : { type: 'foreign', arguments: fields };
}

function invalid({ invalid: message }: InvalidCall): Invalid {
  return { type: 'invalid', message };
}

function tagged<T extends string, A extends object>(type: T, read: A | InvalidCall): ({ type: T } & A) | Invalid {
  return isInvalid(read) ? invalid(read) : { type, ...read };
}
