/** `bobbin/worker`: run a worker from code, with your own tools, tasks, model providers, archive and sandbox. */
export { Failure, type FailureCode } from '../../activities/failures.ts';
export type { CommandReport, CommandSpec, OutputTail, SandboxPolicy } from '../../activities/ports/commands.ts';
export type {
  ConversationEntry,
  ModelOutput,
  ModelRequest,
  ModelResponse,
  ToolSpec,
} from '../../activities/ports/model.ts';
export type { OwnArchive } from './own-code/archive.ts';
export {
  type OwnCodeContext,
  type OwnTask,
  type OwnTaskStep,
  type OwnTool,
  type TaskStepEnd,
  defineTask,
  defineTool,
} from './own-code/definitions.ts';
export type { OwnProvider } from './own-code/providers.ts';
export type { OwnSandbox } from './own-code/sandbox.ts';
export { type WorkerOptions, startWorker } from './own-code/start-worker.ts';
export type { RunningWorker } from './worker.ts';
