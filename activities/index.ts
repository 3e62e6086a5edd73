/** All activities over a set of ports. */
import type { Activities } from './contract.ts';
import { registerAgentIdentity, registerAgentTask, revokeAgentIdentity } from './agent-identity/register.ts';
import { forkHistory } from './fork/fork-history.ts';
import { restoreThread } from './archive/restore.ts';
import { archiveSegment, readSegment } from './archive/segments.ts';
import { cleanStore } from './cleaning/clean-store.ts';
import { concludeTarget } from './batch/conclude-target.ts';
import { openTarget } from './batch/open-target.ts';
import { readLedger } from './batch/read-ledger.ts';
import { redoFiles } from './git/redo-files.ts';
import { releaseSnapshots } from './git/release-snapshots.ts';
import { storeSnapshots } from './git/store-snapshots.ts';
import { takeSnapshot } from './git/take-snapshot.ts';
import { undoFiles } from './git/undo-files.ts';
import { callModel } from './model/call-model.ts';
import { compactContext } from './model/compact-context.ts';
import type { ContextCache } from './model/context-cache.ts';
import type { Ports } from './ports.ts';
import { finishReview } from './review/finish-review.ts';
import { prepareReview } from './review/prepare-review.ts';
import { findRules, listRules, rememberRule, revokeRule } from './rules/repository-rules.ts';
import { execCommand } from './shell/exec-command.ts';
import { awaitSessions } from './shell/sessions.ts';
import { runShortStep } from './step.ts';
import { withToolHint } from './shell/tool-as-command.ts';
import { TOOLS, TOOL_ACTIVITIES } from './tools.ts';
import { runTask } from './tasks/run-task.ts';
import { findNewHost } from './threads/find-new-host.ts';
import { lookForHost } from './threads/look-for-host.ts';
import { openThread } from './threads/open-thread.ts';
import { prepareWorkspace } from './threads/prepare-workspace.ts';
import { receiveThread } from './threads/receive-thread.ts';
import { restoreWorkspace } from './threads/restore-workspace.ts';
import { watchThread } from './threads/watch-thread.ts';

export function createActivities(ports: Ports, contexts: ContextCache): Activities {
  return {
    openThread: (start, ifThere) => openThread(ports, start, ifThere),
    prepareWorkspace: (start) => prepareWorkspace(ports, start),
    forkHistory: (request) => forkHistory(ports, request),
    restoreThread: (request) => restoreThread(ports, request),
    callModel: (step) => callModel(ports, contexts, step),
    compactContext: (step) => compactContext(ports, contexts, step),
    ...toolActivities(ports),
    execCommand: async (step) => withToolHint(await execCommand(ports, step), TOOL_NAMES),
    awaitSessions: (step) => awaitSessions(ports, step),
    runTask: (step) => runTask(ports, step),
    takeSnapshot: (step) => takeSnapshot(ports, step),
    undoFiles: (step) => undoFiles(ports, step),
    redoFiles: (step) => redoFiles(ports, step),
    releaseSnapshots: (request) => releaseSnapshots(ports, request),
    prepareReview: (step) => prepareReview(ports, step),
    finishReview: (step) => finishReview(ports, step),
    registerAgentTask: (request) => registerAgentTask(ports, request),
    registerAgentIdentity: (request) => registerAgentIdentity(ports, request),
    revokeAgentIdentity: (identity) => revokeAgentIdentity(ports, identity),
    watchThread: (request) => watchThread(ports, request),
    archiveSegment: (request) => archiveSegment(ports, request),
    readSegment: (segmentId) => readSegment(ports, segmentId),
    cleanStore: (cleaning) => cleanStore(ports, cleaning),
    openTarget: (opening) => openTarget(ports, opening),
    concludeTarget: (conclusion) => concludeTarget(ports, conclusion),
    readLedger: (reading) => readLedger(ports, reading),
    lookForHost: ({ host }) => lookForHost(ports, host),
    findNewHost: (request) => findNewHost(ports, request),
    restoreWorkspace: (request) => restoreWorkspace(ports, request),
    storeSnapshots: (step) => storeSnapshots(ports, step),
    receiveThread: (request) => receiveThread(ports, request),
    findRules: (lookup) => findRules(ports, lookup),
    rememberRule: (request) => rememberRule(ports, request),
    listRules: (request) => listRules(ports, request),
    revokeRule: (request) => revokeRule(ports, request),
    cleanWorkspace: ({ workspace, commandIds }) =>
      runShortStep({ ...ports, name: `Cleaning up ${workspace}` }, async () => {
        const [commands, servers] = await Promise.all([ports.commands.clean(workspace, commandIds), ports.mcp.clean()]);
        return { ended: commands.ended + servers.ended, gone: commands.gone === true };
      }),
  };
}

const TOOL_NAMES = TOOLS.map(({ name }) => name);

type OverPorts<A> = A extends (ports: Ports, ...step: infer S) => infer R ? (...step: S) => R : never;
type ToolActivities = { [K in keyof typeof TOOL_ACTIVITIES]: OverPorts<(typeof TOOL_ACTIVITIES)[K]> };

function toolActivities(ports: Ports): ToolActivities {
  const all: [string, (ports: Ports, step: never) => Promise<unknown>][] = Object.entries(TOOL_ACTIVITIES);
  const bound = all.map(([name, run]) => [name, (step: never) => run(ports, step)] as const);
  return Object.fromEntries(bound) as ToolActivities;
}
