/** The written solution of a task as rules of the offline model. */
import { toWriteCommand } from '../check/write-command.ts';
import type { Step } from './task.ts';

/** The prompt as the offline model gets it: what is asked, and after it the rules that it follows. */
export function withRules(prompt: string, steps: readonly Step[]): string {
  return [prompt, '', ...steps.map(toRule)].join('\n');
}

function toRule(step: Step): string {
  if ('run' in step) return `run: ${step.run}`;
  if ('write' in step) return `run: ${toWriteCommand(step.write, step.text)}`;
  if ('patch' in step) return `patch:\n${step.patch}`;
  if ('leave' in step)
    return `call: exec_command ${JSON.stringify({ cmd: step.leave, tty: true, yield_time_ms: 250 })}`;
  if ('type' in step) return `session: ${JSON.stringify({ chars: step.type, yield_time_ms: step.waitMs })}`;
  if ('look' in step) return `call: view_image ${JSON.stringify({ path: step.look })}`;
  if ('wait' in step) return 'call: wait_agent {}';
  const { spawn, message, steps } = step;
  return `call: spawn_agent ${JSON.stringify({ task_name: spawn, message: withRules(message, steps) })}`;
}
