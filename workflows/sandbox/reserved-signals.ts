/**
 * Gives signals with a name that Temporal reserves another name, under which they are refused like every unknown signal.
 *
 * The SDK throws for such a name where a workflow has a default handler for signals. Any client can send one, and the
 * workflow task would then fail again and again, and with it every later message of the workflow.
 */
import type { WorkflowInterceptors } from '@temporalio/workflow';

const RESERVED = '__temporal_';

export function interceptors(): WorkflowInterceptors {
  return {
    internals: [
      {
        activate(input, next) {
          for (const { signalWorkflow } of input.activation.jobs ?? []) {
            if (signalWorkflow?.signalName?.startsWith(RESERVED) === true)
              signalWorkflow.signalName = `reserved:${signalWorkflow.signalName}`;
          }
          next(input);
        },
      },
    ],
  };
}
