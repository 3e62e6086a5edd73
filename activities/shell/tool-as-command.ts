/** Detects tools that a model calls as shell commands, and tells the model how to call them. */
import { patchHint } from '../../src/contract/plain/patch-as-command.ts';
import { TOOL_NAMES } from '../model/tool-specs.ts';
import type { CommandReport } from '../ports.ts';

/** The messages of bash and other shells. */
const NOT_FOUND = new RegExp(`(?:^|[ :])(${[...TOOL_NAMES, 'applypatch'].join('|')}): (?:command )?not found$`, 'm');

export function withToolHint(report: CommandReport): CommandReport {
  const called = NOT_FOUND.exec(report.output)?.[1];
  return called === undefined ? report : { ...report, output: `${report.output.trimEnd()}\n${toHint(called)}\n` };
}

function toHint(called: string): string {
  if (called !== 'apply_patch' && called !== 'applypatch')
    return `${called} is a tool, not a command. Call the tool ${called}.`;
  return patchHint(called);
}
