/** Which requests have answers that can be remembered. */
import type { ThreadRequest } from '../threads/requests.ts';

const TYPED = 'typed into session ';

/** What is typed into a command that was left running, as its request shows it. */
export function toTypedInput(session: number | undefined, command: string, chars: string): string {
  return `${TYPED}${session}, ${JSON.stringify(command)}:\n${chars}`;
}

/** Whether a request or a rule is about typed input, which is asked for each time: the same text may answer another prompt. */
export function isTypedInput(about: { type: string; command?: string }): boolean {
  return about.type === 'commandExecution' && about.command?.startsWith(TYPED) === true;
}

/** Whether a door offers to remember the answer. */
export function mayBeRemembered(request: ThreadRequest): boolean {
  return request.type !== 'userInput' && request.type !== 'budget' && !isTypedInput(request);
}
