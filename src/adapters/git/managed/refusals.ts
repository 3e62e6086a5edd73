/** Why a repository cannot be fetched, in words that repeat no credential. */
import { Failure, type FailureCode } from '../../../../activities/failures.ts';
import { toVisibleLine } from '../../../contract/plain/foreign-text.ts';
import { NO_REPOSITORY } from '../remote/remote-source.ts';

const NOT_SHOWN =
  /authentication failed|could not read (username|password)|permission denied|access denied|terminal prompts disabled|returned error: 40[13]|host key verification failed|authentication required/i;
const NO_REF =
  /couldn't find remote ref|not our ref|unadvertised object|upload-pack: not our|did not send all necessary objects/i;

export function refused(code: FailureCode, repository: string, message: string, cause?: unknown): Failure {
  return new Failure(code, message, { details: { repository }, ...(cause === undefined ? {} : { cause }) });
}

export function refMissing(repository: string, ref: string | undefined, cause?: unknown): Failure {
  const what = ref === undefined ? 'commit to check out yet' : toVisibleLine(ref);
  const hint =
    ref === undefined ? '' : ' Give the name of a branch or a tag, or the full id of a commit, that is there.';
  return refused('repositoryRefMissing', repository, `${repository} has no ${what}.${hint}`, cause);
}

export function tooLarge(repository: string, what: string, maxBytes: number): Failure {
  const message = `${repository} is larger than a clone may be here: ${what} more than ${Math.floor(maxBytes / MIB)} MB (BOBBIN_MAX_REPOSITORY_MB).`;
  return refused('repositoryTooLarge', repository, message);
}

const MIB = 1024 * 1024;

/** Distinguishes permanent errors of a call to a remote repository from temporary ones. */
export function explain(error: unknown, repository: string, ref: string | undefined): unknown {
  if (!(error instanceof Failure)) return error;
  const { message } = error;
  if (NO_REF.test(message)) return refMissing(repository, ref, error);
  if (NOT_SHOWN.test(message)) {
    const hint = 'Give them to git there: a credential helper, an ssh key, or GIT_ASKPASS (docs/hosts.md).';
    const text = `${repository} is not shown to this host: it needs credentials, or others. ${hint}`;
    return refused('repositoryUnauthorized', repository, text, error);
  }
  if (NO_REPOSITORY.test(message)) {
    const text = `There is no repository at ${repository}, or it is not shown to the credentials of this host.`;
    return refused('repositoryMissing', repository, text, error);
  }
  const reason = message.slice(message.indexOf(': ') + 2);
  return new Failure('gitFailed', `${repository} could not be fetched: ${reason}`, {
    cause: error,
    details: { repository },
  });
}
