/** Whether a step may run, must ask, or is refused: approval policy by sandbox mode. `docs/approvals.md` has the table. */
import type { SandboxMode, ThreadSettings } from '../../src/contract/index.ts';
import type { ApprovalRule } from './state.ts';
import { isKnownSafe } from './safe-commands.ts';

/** `sandbox`: the mode the step runs in, once it may. */
export type Verdict =
  | { type: 'run' }
  | { type: 'ask'; reason: string }
  /** The reason is written for the model. */
  | { type: 'refuse'; reason: string };

type Policies = Pick<ThreadSettings, 'approvalPolicy' | 'sandbox'>;

export interface CommandRequest {
  command: string;
  /** The model asked to run it outside the sandbox. */
  escalated: boolean;
  justification: string;
}

export function assessCommand(request: CommandRequest, policies: Policies, rules: readonly ApprovalRule[]): Verdict {
  const open = policies.sandbox === 'danger-full-access';
  const escalated = request.escalated && !open;
  const remembered = rules.some(
    (rule) => rule.type === 'command' && rule.command === request.command && (rule.escalated || !escalated),
  );
  if (remembered) return { type: 'run' };
  switch (policies.approvalPolicy) {
    case 'never':
      return escalated
        ? {
            type: 'refuse',
            reason: 'Approval policy is never: nobody can allow a run outside the sandbox. Work within it.',
          }
        : { type: 'run' };
    case 'on-request':
      return escalated
        ? { type: 'ask', reason: request.justification || 'The agent asks to run this outside the sandbox.' }
        : { type: 'run' };
    case 'untrusted':
      if (escalated)
        return { type: 'ask', reason: request.justification || 'The agent asks to run this outside the sandbox.' };
      return isKnownSafe(request.command)
        ? { type: 'run' }
        : { type: 'ask', reason: 'Not known to only read, and the policy is untrusted.' };
  }
}

/** @param paths every path the patch touches, absolute and normalised. */
export function assessPatch(
  paths: readonly string[],
  cwd: string,
  policies: Policies,
  rules: readonly ApprovalRule[],
): Verdict {
  const open = policies.sandbox === 'danger-full-access';
  const inside = policies.sandbox === 'workspace-write' && paths.every((path) => isWritable(path, cwd));
  if ((inside || open) && rules.some((rule) => rule.type === 'patch')) return { type: 'run' };
  const reach =
    inside || open
      ? ''
      : policies.sandbox === 'read-only'
        ? 'The sandbox is read-only.'
        : 'It writes outside the workspace.';
  switch (policies.approvalPolicy) {
    case 'never':
      return reach === ''
        ? { type: 'run' }
        : { type: 'refuse', reason: `${reach} Approval policy is never: nobody can allow it.` };
    case 'on-request':
      return reach === '' ? { type: 'run' } : { type: 'ask', reason: reach };
    case 'untrusted':
      return { type: 'ask', reason: reach || 'The policy is untrusted: every change is asked for.' };
  }
}

/** The sandbox of a step that somebody accepted although it reaches outside; patches only widen as far as they must. */
export function sandboxFor(settings: Policies, escalated: boolean): SandboxMode {
  return escalated ? 'danger-full-access' : settings.sandbox;
}

const PROTECTED = /(^|\/)\.(git|codex|bobbin)(\/|$)/;

/** Whether mode `workspace-write` lets a path be written: the workspace or /tmp, without the protected folders. */
export function isWritable(path: string, cwd: string): boolean {
  if (isUnder(path, cwd)) return !PROTECTED.test(path.slice(cwd.length));
  return isUnder(path, '/tmp');
}

function isUnder(path: string, folder: string): boolean {
  const prefix = folder.endsWith('/') ? folder : `${folder}/`;
  return path.startsWith(prefix);
}

/** An absolute path without `.` and `..`, from one that may be relative to `cwd`. */
export function toAbsolute(path: string, cwd: string): string {
  const parts: string[] = [];
  for (const part of (path.startsWith('/') ? path : `${cwd}/${path}`).split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

/** Paths that the headers of a patch name, in the `*** Begin Patch` form. */
export function pathsOfPatch(patch: string): string[] {
  return [...patch.matchAll(/^\*\*\* (?:Add File|Delete File|Update File|Move to): (.+)$/gm)].map((match) =>
    (match[1] ?? '').trim(),
  );
}
