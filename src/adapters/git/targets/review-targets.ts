/**
 * The repositories that batches review. One on this machine is reviewed in place; any other is fetched into our own
 * repository for each target.
 */
import { existsSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { Failure, type FailureCode } from '../../../../activities/failures.ts';
import type { FoundTarget, OpenTarget, ReviewTargetsPort } from '../../../../activities/ports.ts';
import type { BatchTarget } from '../../../contract/index.ts';
import { toVisibleLine } from '../../../contract/plain/foreign-text.ts';
import { isRefName } from '../../../contract/plain/ref-name.ts';
import { faultOfRepository, transportOf, withoutSecrets } from '../../../contract/plain/repository-address.ts';
import { readChangedFiles } from '../review/changed-files.ts';
import { type FetchBounds, checkOutStore, fetchTarget } from './fetched-target.ts';
import { type Source, faultOfHttp, findRemote } from '../remote/remote-source.ts';
import {
  type ClosedFolders,
  type RepositoryPlace,
  findRepository,
  findRepositoryOrBare,
} from '../repository/repository-place.ts';
import { explainNoRepository } from '../repository/repository-fault.ts';
import { type RepositoryView, readHead, withView } from '../repository/repository-view.ts';
import { emptyTreeOf, firstCommit, isCheckedOut, sinceMergeBase } from '../review/review-range.ts';

export interface ReviewTargetsOptions extends FetchBounds {
  /** For repositories that are fetched, absolute. */
  directory: string;
  /** Whether http is allowed to other machines, too, although anybody on the network path can change the data. */
  allowHttp?: boolean;
  /** Absolute paths that commands cannot read: no part of a repository may be there. */
  closed?: ClosedFolders;
}

export function createReviewTargets(options: ReviewTargetsOptions): ReviewTargetsPort {
  const closed = options.closed ?? [];
  return {
    isHere: ({ repository }) => existsSync(repository),
    async find(target, targetId, signal) {
      refuseBadNames(target, options.allowHttp ?? false);
      const source = findSource(target.repository, closed);
      return source.type === 'tree'
        ? lookUp(source.place, target, signal)
        : fetchTarget({ ...options, targetId }, source, target, signal);
    },
    checkOut: (found, signal) =>
      found.isTheirs ? seeWhatIsThere(closed, found, signal) : checkOutStore(found, signal),
    isCheckedOut: (...asked) => isThere(closed, ...asked),
    changedFiles: (...asked) => readChangedFiles(closed, ...asked),
    async isBefore(cwd, commit, head, signal) {
      const place = findRepository(cwd, closed);
      if (place === null) return false;
      return withView(place, signal, async ({ git }) => {
        // A missing commit is not a failure.
        const asked = ['merge-base', '--is-ancestor', commit, head];
        return (await git(asked, { answers: [0, 1, 128] })).code === 0;
      });
    },
  };
}

/** Raw clients and old Schedules have not passed through the edge. */
function refuseBadNames({ repository, branch, base }: BatchTarget, allowHttp: boolean): void {
  const shown = withoutSecrets(repository);
  const fault = faultOfRepository(repository);
  if (fault !== null)
    throw refused('reviewTargetRefused', shown, `The address of a target cannot be used: ${fault.message}.`);
  const httpFault = faultOfHttp(repository, allowHttp);
  if (httpFault !== null) throw refused('reviewTargetRefused', shown, httpFault);
  const name = [branch, base].find((one) => one !== undefined && !isRefName(one));
  if (name !== undefined)
    throw refused('reviewTargetUnknown', shown, `${JSON.stringify(name)} is no name of a branch or a commit.`);
}

// ------------------------------------------------------------------------------------------------------ on this machine

function findSource(repository: string, closed: ClosedFolders): { type: 'tree'; place: RepositoryPlace } | Source {
  return transportOf(repository) === 'path' ? findOnDisk(repository, closed) : findRemote(repository, closed);
}

function findOnDisk(path: string, closed: ClosedFolders): { type: 'tree'; place: RepositoryPlace } | Source {
  if (!existsSync(path))
    throw refused('reviewNoRepository', path, `There is no repository at ${path}: nothing is there.`);
  if (!statSync(path).isDirectory())
    throw refused('reviewNoRepository', path, `${path} is no folder, so it is no repository.`);
  const bare = basename(path) === '.git' ? null : findRepositoryOrBare(path, closed);
  if (bare?.root === null) return { type: 'local', place: bare };
  const place = findRepository(path, closed);
  if (place !== null) return { type: 'tree', place };
  throw refused(
    'reviewNoRepository',
    path,
    `${toVisibleLine(path)} is no git repository.${explainNoRepository(path, closed)}`,
  );
}

function lookUp(place: RepositoryPlace, { branch, base }: BatchTarget, signal: AbortSignal): Promise<FoundTarget> {
  const root = place.root ?? place.gitDir;
  return withView(place, signal, async (view) => {
    const head = branch === undefined ? await readHead(view) : await ofBranch(view, root, branch);
    if (head === null)
      throw refused('reviewTargetUnknown', root, `The repository ${root} has no commit yet. Nothing can be reviewed.`);
    const start = base === undefined ? emptyTreeOf(view) : (await sinceMergeBase(view, { cwd: root, head }, base)).base;
    return { repository: root, isTheirs: true, head, start };
  });
}

async function ofBranch(view: RepositoryView, root: string, branch: string): Promise<string> {
  const found = await firstCommit(view, ['refs/heads/', 'refs/remotes/origin/', 'refs/remotes/', ''], branch);
  if (found !== null) return found.commit;
  throw refused('reviewTargetUnknown', root, `There is no branch or commit ${branch} in the repository ${root}.`);
}

async function seeWhatIsThere(
  closed: ClosedFolders,
  { repository, head }: FoundTarget,
  signal: AbortSignal,
): Promise<OpenTarget> {
  return { cwd: repository, isElsewhere: !(await isThere(closed, repository, head, signal)) };
}

async function isThere(closed: ClosedFolders, cwd: string, head: string, signal: AbortSignal): Promise<boolean> {
  const place = findRepository(cwd, closed);
  return place !== null && withView(place, signal, (view) => isCheckedOut(view, head));
}

function refused(code: FailureCode, path: string, message: string): Failure {
  return new Failure(code, message, { details: { path } });
}
