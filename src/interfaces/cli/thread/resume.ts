/** `bobbin thread resume`: opens a closed thread again. */
import type { Bobbin } from '../../../client/index.ts';
import type { ApprovalPolicy, SandboxMode } from '../../../contract/index.ts';
import { EXIT } from '../exit-codes.ts';
import { type ModelFlags, modelFlagsOf } from '../model-options.ts';
import type { Output } from '../text/output.ts';
import { plural } from '../../../contract/plain/plural.ts';

export interface ResumeOptions extends ModelFlags {
  sandbox?: SandboxMode;
  approvalPolicy?: ApprovalPolicy;
}

export async function resume(
  bobbin: Bobbin,
  output: Output,
  threadId: string,
  { sandbox, approvalPolicy, ...options }: ResumeOptions,
): Promise<number> {
  const { thread, rejoined, warnings } = await bobbin.threads.resume(threadId, {
    ...modelFlagsOf(options),
    ...(sandbox === undefined ? {} : { sandbox }),
    ...(approvalPolicy === undefined ? {} : { approvalPolicy }),
  });
  const { status, itemCount, turnCount } = await thread.view();
  const line = rejoined
    ? `thread ${threadId} is running (${status})`
    : `thread ${threadId} is open again: ${plural(turnCount, 'turn')}, ${plural(itemCount, 'item')}`;
  output.result({ threadId, rejoined, warnings, status, turnCount, itemCount }, [
    line,
    ...warnings.map((warning) => `warning: ${warning}`),
  ]);
  return EXIT.ok;
}
