/** Refuses large messages before they are sent: the service keeps every message in the history of its workflow. */
import type { WorkflowClientInterceptor } from '@temporalio/client';
import { LIMITS } from '../contract/index.ts';
import { BobbinError } from './bobbin-error.ts';

/** For signals and updates. The schema limits the start argument. */
export const messageSize: WorkflowClientInterceptor = {
  signal(input, next) {
    refuseLarge(input.signalName, input.args);
    return next(input);
  },
  signalWithStart(input, next) {
    refuseLarge(input.signalName, input.signalArgs);
    return next(input);
  },
  startUpdate(input, next) {
    refuseLarge(input.updateName, input.args);
    return next(input);
  },
};

function refuseLarge(name: string, args: readonly unknown[]): void {
  const bytes = Buffer.byteLength(JSON.stringify(args));
  if (bytes <= LIMITS.messageBytes) return;
  const message = `${name}: the message has ${bytes} bytes as JSON; the limit is ${LIMITS.messageBytes}. Put long text into a file of the workspace and name the file.`;
  throw new BobbinError('inputTooLarge', message);
}
