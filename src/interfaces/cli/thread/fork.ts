/** `bobbin thread fork`: starts a new thread with the past of another one. */
import { resolve } from 'node:path';
import type { Bobbin } from '../../../client/index.ts';
import { EXIT } from '../exit-codes.ts';
import { type ModelFlags, modelFlagsOf } from '../model-options.ts';
import type { Output } from '../text/output.ts';

export interface ForkOptions extends ModelFlags {
  turn?: string;
  id?: string;
  worktree?: boolean;
  cwd?: string;
  title?: string;
}

export async function fork(bobbin: Bobbin, output: Output, source: string, options: ForkOptions): Promise<number> {
  const { turn, id, worktree, cwd, title } = options;
  const thread = await bobbin.threads.fork(source, {
    ...(turn === undefined ? {} : { turnId: turn }),
    ...(id === undefined ? {} : { threadId: id }),
    ...(worktree === true ? { files: 'worktree' as const } : {}),
    ...(cwd === undefined ? {} : { cwd: resolve(cwd) }),
    ...(title === undefined ? {} : { title }),
    ...modelFlagsOf(options),
  });
  const { threadId, forkedFrom, settings, itemCount } = await thread.view();
  const turnId = forkedFrom?.turnId ?? null;
  output.result({ threadId, forkedFrom, cwd: settings.cwd, itemCount }, [
    `thread ${threadId} is a fork of ${source}${turnId === null ? '' : ` after turn ${turnId}`}: ${itemCount} items`,
    `workspace ${settings.cwd}`,
  ]);
  return EXIT.ok;
}
