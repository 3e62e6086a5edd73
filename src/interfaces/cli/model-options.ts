/** Options for how a model works. */
import type { Command } from 'commander';
import {
  EFFORTS,
  type ModelOptions,
  REASONING_SUMMARIES,
  SERVICE_TIERS,
  VERBOSITIES,
  modelOptionsOf,
} from '../../contract/plain/model-options.ts';
import { WEB_SEARCHES } from '../../contract/plain/web-search.ts';
import { choice } from './option-values.ts';

export interface ModelFlags extends ModelOptions {
  model?: string;
}

/** @param when they apply, in front of each description */
export function addModelOptions(command: Command, when = ''): Command {
  return command
    .option('--model <name>', `${when}model, or provider/model`)
    .addOption(choice('--effort <level>', `${when}how much the model reasons`, EFFORTS))
    .addOption(choice('--summary <form>', `${when}how its reasoning is summarised`, REASONING_SUMMARIES))
    .addOption(choice('--verbosity <level>', `${when}how long its answers are`, VERBOSITIES))
    .addOption(choice('--service-tier <tier>', `${when}how its endpoint serves it`, SERVICE_TIERS))
    .addOption(choice('--web-search <how>', `${when}whether it may search the web, at its provider`, WEB_SEARCHES));
}

/** Those that are given, out of all options of a command. */
export function modelFlagsOf({ model, ...options }: ModelFlags): ModelFlags {
  return { ...(model === undefined ? {} : { model }), ...modelOptionsOf(options) };
}
