/** Reverses the changes of an undo to the files. Idempotent: each attempt looks at the files and does what is missing. */
import type { RedoStep, RedoneFiles } from '../contract.ts';
import { refuseOwnSettingsOf } from '../files/own-settings.ts';
import type { Ports } from '../ports.ts';
import { runStep } from '../step.ts';
import { RECORDED, revertOrSay, toRevertedFiles, toTry } from './undo-files.ts';

export async function redoFiles(ports: Ports, input: RedoStep): Promise<RedoneFiles | { type: 'aborted' }> {
  return runStep<{ type: 'redo' }, RedoneFiles>({ ...ports, ...input }, { type: 'redo' }, async ({ signal }) => {
    const { cwd, before, after } = input;
    ports.requireWorkspace(cwd, input.root);
    await refuseOwnSettingsOf(ports, input, signal);
    const reverted = await revertOrSay(
      ports,
      { cwd, before, after, preview: false, keepAs: null, ...toTry(input) },
      signal,
    );
    const { files, paths, morePaths } = toRevertedFiles(reverted, RECORDED);
    return { files, paths, morePaths, notRedone: reverted.gone ? reverted.notUndone : [] };
  });
}
