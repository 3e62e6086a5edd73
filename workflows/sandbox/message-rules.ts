/**
 * Rules for messages that JSON Schema cannot express. Each is named in the schema of the contract that it refines, and
 * receives the value after the schema has read it.
 */
import type {
  BatchTarget,
  EditQueue,
  InputItem,
  StartThread,
  SubmitTurn,
  Workspace,
} from '../../src/contract/index.ts';
import { TURN_KINDS, needsInput, runsTask, takesImages, takesReview } from '../../src/contract/plain/turn-kinds.ts';
import { imagesOf, inputChars, saysSomething } from '../../src/contract/plain/input-size.ts';
import { LIMITS } from '../../src/contract/plain/limits.ts';
import { NO_PATH, isPath } from '../../src/contract/plain/paths.ts';
import { isRefName } from '../../src/contract/plain/ref-name.ts';
import { faultOfRepository } from '../../src/contract/plain/repository-address.ts';
import type { WireNotes } from '../../src/contract/plain/wire-schema.ts';
import { faultOfWorkspace } from '../../src/contract/plain/workspace-rules.ts';
import { Refused } from './value-readers.ts';

export const RULES = { input, turn, edit, start, path, ref, repository, targets, workspace } satisfies Record<
  NonNullable<WireNotes['rule']>,
  (value: never, name: string) => unknown
>;

function input(items: InputItem[], name: string): InputItem[] {
  const chars = inputChars(items);
  if (chars > LIMITS.inputChars)
    throw new Refused(`${name}: ${chars} characters, at most ${LIMITS.inputChars} are taken`, 'inputTooLarge');
  if (imagesOf(items) > LIMITS.inputImages)
    throw new Refused(`${name}: ${imagesOf(items)} images, at most ${LIMITS.inputImages} are taken`, 'inputTooLarge');
  if (items.length > 0 && !saysSomething(items)) throw new Refused(`${name}: needs some text or an image`);
  return items;
}

function turn(given: Omit<SubmitTurn, 'input'> & { input?: InputItem[] }): SubmitTurn {
  const { kind, review, task, input = [] } = given;
  if (input.length === 0 && needsInput(kind)) throw new Refused(`input: a list is needed for a ${kind}`);
  if (input.length > 0 && !TURN_KINDS[kind].takesInput) throw new Refused(`input: a ${kind} takes none`);
  if (imagesOf(input) > 0 && !takesImages(kind)) throw new Refused(`input: a ${kind} takes no images`);
  if (takesReview(kind) && review === undefined) throw new Refused('review: a target is needed');
  if (!takesReview(kind) && review !== undefined) throw new Refused(`review: a ${kind} takes none`);
  if (runsTask(kind) && task === undefined) throw new Refused('task: the name of a task is needed');
  if (!runsTask(kind) && task !== undefined) throw new Refused(`task: a ${kind} takes none`);
  return { ...given, input };
}

function edit(given: Extract<EditQueue, { op: 'edit' }>): EditQueue {
  if (given.input !== undefined || given.overrides !== undefined) return given;
  throw new Refused('edit: an input or overrides are needed');
}

function start(given: StartThread): StartThread {
  const { threadId, workspace, fork, resume } = given;
  if (fork !== undefined && resume !== undefined) throw new Refused('fork: a thread is resumed or forked, not both');
  if (fork?.threadId === threadId) throw new Refused('threadId: a fork has its own id');
  if (workspace.cwd === undefined && (fork ?? resume) !== undefined)
    throw new Refused('workspace: a fork or a resumed thread takes a folder: it has the files of its source');
  return given;
}

function path(written: string, name: string): string {
  if (isPath(written)) return written;
  throw new Refused(`${name}: ${NO_PATH}`);
}

function ref(written: string, name: string): string {
  if (isRefName(written)) return written;
  throw new Refused(`${name}: the name of a branch or a commit is needed`);
}

/**
 * Accepts an address that is well formed but not allowed, which the schema refuses: an earlier version may have stored
 * a Schedule with one, and its other targets are reviewed.
 */
function repository(written: string, name: string): string {
  const fault = faultOfRepository(written);
  if (fault?.kind === 'malformed') throw new Refused(`${name}: ${fault.message}`);
  return written;
}

function targets(list: BatchTarget[], name: string): BatchTarget[] {
  if (JSON.stringify(list).length <= LIMITS.batchTargetsChars) return list;
  throw new Refused(`${name}: more than ${LIMITS.batchTargetsChars} characters; make several batches of them`);
}

function workspace(given: Workspace, name: string): Workspace {
  const fault = faultOfWorkspace(given);
  if (fault === null) return given;
  throw new Refused(`${name}: ${fault}`);
}
