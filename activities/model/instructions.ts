/** The instructions before the conversation: the role, the thread's instructions, the project's documents, the environment. */
import { RUBRIC, isReview } from '../review/rubric.ts';
import type { ThreadSettings } from '../../src/contract/index.ts';

const ROLE = `You are a coding agent in a person's workspace. Work until the task is done: look before you change, run what
you need with exec_command, edit files with apply_patch, keep a plan with update_plan when there are several steps, and
ask with request_user_input only what you cannot find out. Say at the end what you did and what you found, in few words.`;

export function toInstructions(settings: ThreadSettings, projectDocs: string): string {
  const place = [
    `Working directory: ${settings.cwd}`,
    `Sandbox: ${settings.sandbox}`,
    `Approval policy: ${settings.approvalPolicy}`,
    ...(settings.unattended === null ? [] : ['Nobody watches this thread: decide yourself what you would ask.']),
  ].join('\n');
  const role = isReview(settings) ? RUBRIC : ROLE;
  return [role, settings.instructions, projectDocs, place].filter((part) => part.trim() !== '').join('\n\n');
}
