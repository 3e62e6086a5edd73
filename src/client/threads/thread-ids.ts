/** Ids of threads: short ones to type, and beginnings that are enough to name one. */
import { randomInt } from 'node:crypto';
import { basename } from 'node:path';
import { WorkflowNotFoundError } from '@temporalio/client';
import { type StartThread, WORKFLOW_TYPE, type Workspace, toWorkflowId } from '../../contract/index.ts';
import { BobbinError } from '../bobbin-error.ts';
import type { Service } from '../service.ts';

/** A start argument; without an id the thread gets a new one. */
export type NewThread = Omit<StartThread, 'threadId'> & { threadId?: string };

const LETTERS = 5;
/** Of the folder's name, so that the id stays short enough for a column. */
const NAME_CHARS = 40;

/** A new id, `<repository>-<five letters>`, that no thread has, open or kept closed. */
export async function newThreadId(service: Service, { cwd, repository = '' }: Workspace): Promise<string> {
  const name = nameOf(cwd ?? repository.replace(/(\.git)?\/*$/, '').replace(/^.*:/, ''));
  for (;;) {
    const threadId = `${name}-${letters()}`;
    if (!(await exists(service, threadId))) return threadId;
  }
}

function nameOf(cwd: string): string {
  const name = basename(cwd)
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .slice(0, NAME_CHARS)
    .replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, '');
  return name === '' ? 'thread' : name;
}

function letters(): string {
  return Array.from({ length: LETTERS }, () => String.fromCharCode(97 + randomInt(26))).join('');
}

async function exists(service: Service, threadId: string): Promise<boolean> {
  try {
    await service.within(() => service.client.workflow.getHandle(toWorkflowId(threadId)).describe());
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

/** Candidates that an error names. */
const NAMED = 5;

/**
 * The id of the one thread that has this id, or whose id begins with it. If all others that begin with it are below one
 * thread, it is that one. Rejects with `threadNotFound` or `threadAmbiguous`.
 */
export async function findThreadId(service: Service, given: string): Promise<string> {
  if (await exists(service, given)) return given;
  const begun = await idsFrom(service, given);
  const [first] = begun;
  if (first === undefined) throw notFound(given);
  const tops = begun.filter((one) => !begun.some((other) => one.startsWith(`${other}/`)));
  if (tops.length === 1) return first;
  const named = tops.slice(0, NAMED).join(', ');
  const more = tops.length > NAMED ? ' and others' : '';
  throw new BobbinError('threadAmbiguous', `The ids of several threads begin with ${given}: ${named}${more}.`);
}

/** Sorted by length, at most {@link MOST}. */
async function idsFrom(service: Service, given: string): Promise<string[]> {
  // Ids have no quotes; nothing else may become part of the query.
  if (!/^[\w.:@/-]+$/.test(given)) return [];
  const query = `WorkflowType = "${WORKFLOW_TYPE}" AND WorkflowId STARTS_WITH "${toWorkflowId(given)}"`;
  const ids = new Set<string>();
  await service.within(async () => {
    for await (const { workflowId } of service.client.workflow.list({ query, pageSize: MOST })) {
      ids.add(workflowId.slice(toWorkflowId('').length));
      if (ids.size >= MOST) break;
    }
  });
  return [...ids].sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
}

const MOST = 100;

function notFound(given: string): BobbinError {
  const kept = "or Temporal no longer keeps it (a closed one is kept for the namespace's retention time)";
  return new BobbinError('threadNotFound', `There is no thread ${given} in this namespace, ${kept}.`);
}
