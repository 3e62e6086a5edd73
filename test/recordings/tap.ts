/**
 * Runs within the workflows of a replay: hands over every command that they emit, before the SDK's core compares no more of
 * it than its type and id with the history.
 */
import { type Sinks, type WorkflowInterceptors, proxySinks } from '@temporalio/workflow';

export interface TapSinks extends Sinks {
  tap: { take(commands: object[]): void };
}

const { tap } = proxySinks<TapSinks>();

export function interceptors(): WorkflowInterceptors {
  return {
    internals: [
      {
        concludeActivation(input, next) {
          const output = next(input);
          tap.take(output.commands);
          return output;
        },
      },
    ],
  };
}
