/**
 * `bobbin/workflows`: the workflows as one bundle, for a `Worker` of the Temporal SDK that you create yourself, for example
 * to replay histories of your threads with the next release before you install it.
 */
import { loadBundle, payloadConverterPath as converterPath } from './bundle.ts';

/** For the option `workflowBundle`. Errors in workflows have stack traces. */
export function loadWorkflowBundle(): Promise<{ code: string }> {
  return loadBundle({ stackTraces: true });
}

/** For the option `dataConverter.payloadConverterPath`. The workflows need it. */
export function payloadConverterPath(): string {
  return converterPath();
}
