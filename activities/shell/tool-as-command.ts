/** Tools that a model calls as commands of the shell, which knows none of them: the model gets a message that says how to call them. */
import { patchHint } from '../../src/contract/plain/patch-as-command.ts';
import type { CommandReport } from '../ports.ts';

export function withToolHint<R extends CommandReport>(report: R, tools: readonly string[]): R {
  // As bash and other shells say it, whatever is around the call.
  const notFound = new RegExp(`(?:^|[ :])(${[...tools, 'applypatch'].join('|')}): (?:command )?not found$`, 'm');
  const called = notFound.exec(report.output)?.[1];
  return called === undefined ? report : { ...report, output: `${report.output.trimEnd()}\n${toHint(called)}\n` };
}

function toHint(called: string): string {
  if (called !== 'apply_patch' && called !== 'applypatch')
    return `${called} is a tool, not a command. Call the tool ${called}.`;
  return patchHint(called);
}
