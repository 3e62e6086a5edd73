/**
 * Takes back what a turn did to the files, and says what that does not reach. Idempotent: each try looks at what is there
 * and does what is missing, so a crash in the middle leaves the rest to the next try.
 */
import { Context } from '@temporalio/activity';
import type { Item } from '../../src/contract/index.ts';
import type { RevertedFiles, UndoStep, UndoneFiles } from '../contract.ts';
import { Failure } from '../failures.ts';
import { refuseOwnSettingsOf } from '../files/own-settings.ts';
import { toPatchedPaths } from './patched-paths.ts';
import { readSegment } from '../model/context-cache.ts';
import type { Ports, RevertRequest, Reverted, RevertedPath } from '../ports.ts';
import { runStep } from '../step.ts';

export async function undoFiles(ports: Ports, input: UndoStep): Promise<UndoneFiles | { type: 'aborted' }> {
  return runStep<{ type: 'undo' }, UndoneFiles>({ ...ports, ...input }, { type: 'undo' }, async ({ signal }) => {
    const { commit, after = null, cwd, preview = false, threadId, actionId } = input;
    ports.requireWorkspace(cwd, input.root);
    if (commit !== null && !preview) await refuseOwnSettingsOf(ports, input, signal);
    const ofTurn = await readTurn(ports, input, signal);
    const patched = toPatchedPaths(ofTurn, cwd);
    const keepAs = preview ? null : { threadId, name: actionId };
    const request = { cwd, after, endedAt: input.undone.endedAt ?? null, preview, patched, keepAs, ...toTry(input) };
    const reverted = commit === null ? null : await revertOrSay(ports, { ...request, before: commit }, signal);
    const calls = ofTurn.filter((item) => 'callId' in item && item.status !== 'declined');
    return {
      ...toRevertedFiles(reverted, preview ? PREVIEWED : RECORDED),
      ...toCommands(calls),
      called: calls.length > 0,
      ofPatchesAlone: reverted?.narrowed ?? patched !== null,
      notUndone: [
        ...(reverted?.notUndone ?? []),
        ...toOutsideRemark(ofTurn),
        ...toAgentRemark(ofTurn),
        ...toMcpRemark(ofTurn),
      ],
    };
  });
}

/** Which try of which action it is. */
export function toTry({ threadId, actionId }: { threadId: string; actionId: string }) {
  return { actionId: `${threadId} ${actionId}`, retried: Context.current().info.attempt > 1 };
}

interface Bounds {
  paths: number;
  chars: number;
}

/** What history takes of the paths, and what the answer to a preview does. */
export const RECORDED: Bounds = { paths: 50, chars: 20_000 };
const PREVIEWED: Bounds = { paths: 2_000, chars: 400_000 };

export function toRevertedFiles(reverted: OrGone | null, bounds: Bounds): RevertedFiles {
  if (reverted === null || reverted.gone) return { files: null, paths: [], morePaths: 0, redo: null };
  const { paths, redo } = reverted;
  const count = (outcome: RevertedPath['outcome']) => paths.filter((one) => one.outcome === outcome).length;
  const files = {
    restored: count('restored'),
    deleted: count('deleted'),
    merged: count('merged'),
    kept: count('kept'),
  };
  const isKept = ({ outcome }: RevertedPath) => outcome === 'kept';
  const shown = bounded([...paths.filter(isKept), ...paths.filter((one) => !isKept(one))], bounds);
  return { files, paths: shown, morePaths: paths.length - shown.length, redo };
}

/** The items of the turn, from the archive where they lie there; those of turns beside it are passed over. */
async function readTurn(ports: Ports, { threadId, undone }: UndoStep, signal: AbortSignal): Promise<Item[]> {
  const { turnId, firstItem, endItem } = undone;
  const items: Item[] = [];
  for (let after = firstItem; after < endItem;) {
    const page = await ports.threads.items(threadId, after, signal);
    const { archived } = page;
    const from = after;
    const found =
      archived === null
        ? page.items
        : (await readSegment(ports.archive, archived.segmentId)).items.slice(from - archived.items.from);
    if (found.length === 0) throw unreadable(threadId, after);
    items.push(...found.slice(0, endItem - from));
    after = from + found.length;
  }
  return items.filter((item) => item.turnId === turnId);
}

function unreadable(threadId: string, index: number): Failure {
  return new Failure('threadUnreadable', `Thread ${threadId} answered without item ${index}, which it has.`);
}

function bounded(paths: readonly RevertedPath[], { paths: most, chars }: Bounds): RevertedPath[] {
  let left = chars;
  return paths
    .slice(0, most)
    .filter((one) => (left -= one.path.length + ('reason' in one ? one.reason.length : 0)) >= 0);
}

type OrGone = Reverted & { gone: boolean };

/** A snapshot that is gone is no reason to keep the turn: the files stay, and that is said. */
export async function revertOrSay(ports: Ports, request: RevertRequest, signal: AbortSignal): Promise<OrGone> {
  try {
    return { ...(await ports.git.revert(request, signal)), gone: false };
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== 'snapshotMissing') throw error;
    const notUndone = [`Files are as they were: ${error.message}`];
    const narrowed = (request.patched ?? null) !== null;
    return { paths: [], notUndone, redo: null, narrowed, gone: true };
  }
}

/** Paths outside of the workspace that are named. */
const MAX_OUTSIDE = 50;
/** What history takes of the commands of a turn. A part of one says nothing of what it does, so none is cut. */
const COMMANDS_BYTES = 128 * 1024;

function toCommands(calls: readonly Item[]): Pick<UndoneFiles, 'commands' | 'moreCommands'> {
  const ran = calls.flatMap((item) => (item.type === 'commandExecution' ? [item] : []));
  const each = [...new Map(ran.map(({ command, cwd }) => [`${cwd}\0${command}`, { command, cwd }])).values()];
  let left = COMMANDS_BYTES;
  const commands = each.filter(({ command, cwd }) => {
    const bytes = Buffer.byteLength(command) + Buffer.byteLength(cwd);
    if (bytes > left) return false;
    left -= bytes;
    return true;
  });
  return { commands, moreCommands: each.length - commands.length };
}

function toAgentRemark(items: readonly Item[]): string[] {
  const agents = items.flatMap((item) => (item.type === 'collabAgentToolCall' ? item.receiverThreadIds : []));
  return agents.length === 0 ? [] : [`What was said to agents, and what they know: ${[...new Set(agents)].join(', ')}`];
}

function toMcpRemark(items: readonly Item[]): string[] {
  const calls = items.flatMap((item) => (item.type === 'mcpToolCall' ? [`${item.tool} of ${item.server}`] : []));
  return calls.length === 0 ? [] : [`Effects elsewhere, if they had any, of tools: ${[...new Set(calls)].join(', ')}`];
}

/** A patch names what lies outside of its folder by an absolute path. */
function toOutsideRemark(items: readonly Item[]): string[] {
  const changes = items.flatMap((item) => (item.type === 'fileChange' ? item.changes : []));
  const paths = changes.flatMap(({ path, movePath }) => [path, ...(movePath === undefined ? [] : [movePath])]);
  const outside = [...new Set(paths.filter((path) => path.startsWith('/')))];
  return outside.length === 0
    ? []
    : [
        `Changed outside of the workspace: ${outside.slice(0, MAX_OUTSIDE).join(', ')}${outside.length > MAX_OUTSIDE ? ` and ${outside.length - MAX_OUTSIDE} more` : ''}`,
      ];
}
