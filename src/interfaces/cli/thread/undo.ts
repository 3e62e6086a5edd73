/** `bobbin thread undo`, `redo` and `rollback`: take turns back, with or without their files. */
import type { Bobbin } from '../../../client/index.ts';
import { EXIT, exitCodeOfTurn } from '../exit-codes.ts';
import type { Output } from '../text/output.ts';
import { renderCompletion, renderDropped, renderPreview, renderRestored } from '../text/render.ts';

/** Waits for the end, and prints what was undone and what was not. With `--dry-run` it prints what an undo would do. */
export async function undo(
  bobbin: Bobbin,
  output: Output,
  threadId: string,
  { dryRun }: { dryRun?: true },
): Promise<number> {
  if (dryRun === true) {
    const preview = await bobbin.threads.get(threadId).previewUndo();
    output.result(preview, renderPreview(preview));
    return EXIT.ok;
  }
  const undone = await bobbin.threads.get(threadId).undo();
  const { completion, dropped } = undone;
  const lines = dropped === null ? [renderCompletion(completion)] : renderDropped(dropped);
  output.result(undone, lines);
  return exitCodeOfTurn(completion);
}

export async function redo(bobbin: Bobbin, output: Output, threadId: string): Promise<number> {
  const redone = await bobbin.threads.get(threadId).redo();
  const { completion, restored } = redone;
  const lines = restored === null ? [renderCompletion(completion)] : renderRestored(restored);
  output.result(redone, lines);
  return exitCodeOfTurn(completion);
}

export async function rollback(
  bobbin: Bobbin,
  output: Output,
  threadId: string,
  { turns: numTurns }: { turns: number },
): Promise<number> {
  const { dropped } = await bobbin.threads.get(threadId).rollback({ numTurns });
  const lines = [`dropped from the conversation: ${dropped.join(', ')}`, 'files are as they were'];
  output.result({ threadId, dropped }, lines);
  return EXIT.ok;
}
