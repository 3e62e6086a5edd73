/** What a client of this door may see and do: the same as the holder of a token with these rights. */
import { BobbinError } from '../../client/bobbin-error.ts';
import type { Bobbin, ThreadHandle } from '../../client/index.ts';
import type { ResolveRequest, Workspace } from '../../contract/index.ts';
import { openOwn } from '../http/app.ts';
import { HttpProblem } from '../http/problem.ts';
import { type Rights, allows } from '../http/tokens.ts';

export interface Access {
  bobbin: Bobbin;
  rights: Rights;
  /** Of new threads; undefined if each call must name a folder or a repository. */
  workspace: Workspace | undefined;
  /** Gets errors that are the server's own. */
  onError: (error: unknown) => void;
}

/** Rejects with `threadNotFound`, also for a thread of another owner. */
export async function openThread({ bobbin, rights }: Access, threadId: string): Promise<ThreadHandle> {
  return (await openOwn(bobbin, rights, threadId)).thread;
}

/** The open thread with a new thread's id may belong to another owner: rejects with `threadExists`. */
export async function openNew(access: Access, threadId: string): Promise<ThreadHandle> {
  return openThread(access, threadId).catch((error: unknown) => {
    if (!(error instanceof BobbinError) || error.code !== 'threadNotFound') throw error;
    throw new BobbinError('threadExists', `A thread ${threadId} exists; use another id.`, error);
  });
}

export function mayAnswer({ rights }: Access): boolean {
  return allows(rights, 'approve');
}

/** Throws `scopeMissing` or `ownerRestricted`. */
export async function answerRequest(access: Access, thread: ThreadHandle, answer: ResolveRequest): Promise<void> {
  if (!mayAnswer(access)) throw new HttpProblem('scopeMissing', 'Answering a request needs the scope approve.');
  if (answer.remember?.scope === 'repository' && access.rights.owner !== null)
    throw new HttpProblem('ownerRestricted', 'A token with an owner may not remember answers for a repository.');
  await thread.resolve(answer);
}

/** The code and the message of an error that a client may see. */
export function describeError({ onError }: Pick<Access, 'onError'>, error: unknown): { code: string; message: string } {
  if (error instanceof BobbinError || error instanceof HttpProblem) return { code: error.code, message: error.message };
  onError(error);
  return { code: 'internal', message: 'Bobbin failed. Its log has the reason.' };
}
