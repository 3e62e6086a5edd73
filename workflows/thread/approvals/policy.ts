/**
 * Whether a step may run, must ask, or is refused: approval policy by sandbox mode. `docs/approvals.md` has the table.
 * If it must ask, a remembered answer may replace the person's (`rules.ts`). A remembered answer never changes a step
 * that does not ask.
 */
import { OWN_TOOLS } from '../../../src/contract/plain/tools/own.ts';
import type { SandboxMode, ThreadSettings } from '../../../src/contract/index.ts';
import type { McpRoute } from '../../../activities/ports.ts';
import { isKnownSafe } from '../../../src/contract/plain/safe-commands.ts';

export type Verdict =
  | { type: 'run' }
  | { type: 'ask'; reason: string }
  /** The reason is written for the model. */
  | { type: 'refuse'; reason: string };

type Policies = Pick<ThreadSettings, 'approvalPolicy' | 'sandbox' | 'cwd'>;
/** `gitAnywhere`: git commands count as read-only without a sandbox, too, as in earlier releases. */
type CommandPolicies = Policies & { gitAnywhere: boolean };
/** `tmp`: paths below /tmp count as inside, too, as in earlier releases. Patches there fail. */
type Writable = Pick<Policies, 'sandbox' | 'cwd'> & { tmp: boolean };

export interface CommandRequest {
  command: string;
  /** The absolute path of its folder. */
  cwd: string;
  /** The model asked to run it outside the sandbox. */
  escalated: boolean;
}

export function assessCommand(request: CommandRequest, policies: CommandPolicies): Verdict {
  return assessByPolicy(request, policies, leavesSandbox(policies, request.escalated));
}

function assessByPolicy(request: CommandRequest, policies: CommandPolicies, escalated: boolean): Verdict {
  const outside = 'The agent asks to run this outside the sandbox.';
  switch (policies.approvalPolicy) {
    case 'never':
      return escalated
        ? {
            type: 'refuse',
            reason: 'Approval policy is never: nobody can allow a run outside the sandbox. Work within it.',
          }
        : { type: 'run' };
    case 'on-request':
      return escalated ? { type: 'ask', reason: outside } : { type: 'run' };
    case 'untrusted':
      if (escalated) return { type: 'ask', reason: outside };
      return runsUnasked(request, policies)
        ? { type: 'run' }
        : { type: 'ask', reason: 'Not known to only read, and the policy is untrusted.' };
  }
}

/** Whether a command of a thread with policy `untrusted` is known to only read, so that nobody is asked. */
export function runsUnasked({ command, cwd, escalated }: CommandRequest, policies: CommandPolicies): boolean {
  if (policies.approvalPolicy !== 'untrusted' || leavesSandbox(policies, escalated)) return false;
  return isKnownSafe(command, isRoot(cwd, policies.cwd) && holdsGit(policies));
}

/** ^C and ^D. */
const FREE_KEYS = ['\u0003', '\u0004'];

/** How much a sandbox allows. */
const REACH: readonly SandboxMode[] = ['read-only', 'workspace-write', 'danger-full-access'];

/**
 * What is typed into the terminal of a command can do whatever the command can. So it is asked for like a command that is
 * not known to only read, and if the command has a wider sandbox than the thread, like one that leaves the sandbox. To
 * look, and to press ^C or ^D, is free.
 */
export function assessInput(
  { chars, sandbox }: { chars: string; sandbox: SandboxMode },
  policies: Pick<Policies, 'approvalPolicy' | 'sandbox'>,
): Verdict {
  const isWider = REACH.indexOf(sandbox) > REACH.indexOf(policies.sandbox);
  if (FREE_KEYS.reduce((left, key) => left.replaceAll(key, ''), chars) === '') return { type: 'run' };
  const where = isWider ? 'a command that runs in a wider sandbox than this thread has, or in none' : 'a command';
  switch (policies.approvalPolicy) {
    case 'never':
      return isWider
        ? {
            type: 'refuse',
            reason: 'Approval policy is never: nobody can allow input to a command outside the sandbox.',
          }
        : { type: 'run' };
    case 'on-request':
      return isWider ? { type: 'ask', reason: `The agent types this into ${where}.` } : { type: 'run' };
    case 'untrusted':
      return { type: 'ask', reason: `The agent types this into ${where}, and the policy is untrusted.` };
  }
}

/**
 * The configuration of a repository can name programs that git runs, even in `git status`. Only a sandbox contains
 * them.
 */
function holdsGit({ sandbox, gitAnywhere }: CommandPolicies): boolean {
  return gitAnywhere || sandbox !== 'danger-full-access';
}

/** @param paths every path the patch touches, absolute and normalised. */
export function assessPatch(paths: readonly string[], policies: Policies & Writable): Verdict {
  return assessPatchByPolicy(toReach(paths, policies), policies);
}

function assessPatchByPolicy(reach: string | null, policies: Policies): Verdict {
  switch (policies.approvalPolicy) {
    case 'never':
      return reach === null
        ? { type: 'run' }
        : { type: 'refuse', reason: `${reach} Approval policy is never: nobody can allow it.` };
    case 'on-request':
      return reach === null ? { type: 'run' } : { type: 'ask', reason: reach };
    case 'untrusted':
      return { type: 'ask', reason: reach ?? 'The policy is untrusted: every change is asked for.' };
  }
}

/** How a patch exceeds what its mode lets it write; null if it does not. */
function toReach(paths: readonly string[], { sandbox, cwd, tmp }: Writable): string | null {
  switch (sandbox) {
    case 'danger-full-access':
      return null;
    case 'read-only':
      return 'The sandbox is read-only.';
    case 'workspace-write': {
      const beyond = paths.find((path) => !isWritable(path, cwd, tmp));
      if (beyond === undefined) return null;
      const hint = isUnder(beyond, '/tmp')
        ? ' The /tmp of commands is private to the thread: no patch reaches it.'
        : '';
      return `${beyond} is outside the workspace, or in a protected folder of it.${hint}`;
    }
  }
}

/**
 * The configuration of an MCP server decides when its tools must ask, since the sandbox does not contain them. In mode
 * `read-only` every tool that may write must ask. If nobody can be asked, the call is refused.
 */
export function assessMcpCall(
  call: McpRoute,
  { approvalPolicy, sandbox }: Pick<Policies, 'approvalPolicy' | 'sandbox'>,
): Verdict {
  const { server, tool, readOnly, approval } = call;
  const mayWrite = !readOnly && (approval === 'writes' || sandbox === 'read-only');
  const mustAsk = approval === 'always' || mayWrite;
  if (!mustAsk) return { type: 'run' };
  if (approvalPolicy === 'never') {
    return {
      type: 'refuse',
      reason: `Approval policy is never: nobody can allow ${tool} of ${whose(server)}. Go on without it.`,
    };
  }
  const why = readOnly ? 'every call is asked for' : 'it does not say that it only reads';
  return { type: 'ask', reason: `Tool ${tool} of ${whose(server)}: ${why}.` };
}

function whose(server: string): string {
  return server === OWN_TOOLS ? 'this worker' : `MCP server ${server}`;
}

/** Whether a command asks to leave the sandbox. Without a sandbox the question does not arise. */
export function leavesSandbox({ sandbox }: Pick<Policies, 'sandbox'>, escalated: boolean): boolean {
  return escalated && sandbox !== 'danger-full-access';
}

/** The sandbox that a command runs in after it was allowed: none if it may leave the sandbox. */
export function sandboxFor(settings: Pick<Policies, 'sandbox'>, escalated: boolean): SandboxMode {
  return escalated ? 'danger-full-access' : settings.sandbox;
}

/** An accepted patch runs in the narrowest mode that lets it write the paths that were shown. @param paths absolute. */
export function sandboxForPatch({ sandbox, cwd, tmp }: Writable, paths: readonly string[]): SandboxMode {
  const inside = paths.every((path) => isWritable(path, cwd, tmp));
  return sandbox === 'danger-full-access' || !inside ? 'danger-full-access' : 'workspace-write';
}

/** Whether a command can reach the network, or some of it. */
export function reachesNetwork({ network }: Pick<ThreadSettings, 'network'>, sandbox: SandboxMode): boolean {
  return network || sandbox === 'danger-full-access';
}

const PROTECTED = /(^|\/)\.(git|codex|bobbin)(\/|$)/i;

/**
 * Whether mode `workspace-write` lets a patch write a path: below the workspace, outside of protected folders. This
 * does not follow symbolic links; `src/adapters/files/writable-area.ts` does, and has the last word.
 */
export function isWritable(path: string, cwd: string, tmp: boolean): boolean {
  const roots = [toAbsolute('.', cwd), ...(tmp ? ['/tmp'] : [])].filter((root) => isUnder(path, root));
  return roots.length > 0 && roots.every((root) => !PROTECTED.test(path.slice(root.length)));
}

/** Whether an absolute path is the root of the workspace, in any spelling. */
export function isRoot(path: string, cwd: string): boolean {
  return path === toAbsolute('.', cwd);
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

const PATCH_HEADERS = ['*** Add File:', '*** Delete File:', '*** Update File:', '*** Move to:'];

/**
 * Every path that a line of the patch may name. It reads at least as freely as the parser of patches: to show a path
 * that is not written is harmless, to write one that was not shown is not.
 */
export function pathsOfPatch(patch: string): string[] {
  return patch.split('\n').flatMap((line) => {
    const header = line.trim();
    const marker = PATCH_HEADERS.find((start) => header.startsWith(start));
    return marker === undefined ? [] : [header.slice(marker.length).trim()];
  });
}
