/**
 * Runs the commands of threads as real processes, and stops them with proof.
 *
 * Invariants:
 * 1. A record of the command exists before its first process does, and until the last one is gone (the fence).
 * 2. `gone` is reported only if the command ended with its process namespace, or with a reaper that waits for all
 *    descendants, and a later scan of the process table found none of them.
 * 3. Nothing a command started outlives its report, whether it ended on its own or was stopped.
 */
import { existsSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { CommandIo, CommandPort, CommandReport, CommandSpec, SandboxMode } from '../../../activities/ports.ts';
import { Failure } from '../../../activities/failures.ts';
import { assertWorkspace } from '../files/workspace.ts';
import { noteWorkspace } from '../known-workspaces.ts';
import { findProgram } from '../programs.ts';
import { assertNoBareRepository } from './unasked-git.ts';
import { probeBubblewrap, type ProbedBubblewrap } from './sandbox/bubblewrap.ts';
import { GRACE_MS, endProcesses, type EndTarget } from './processes/end-processes.ts';
import { listDeniedPaths } from './sandbox/denied-paths.ts';
import { createFence } from './processes/fence.ts';
import { startNetworkProxy, type NetworkProxy, type NetworkSetting } from './network/network-proxy.ts';
import { type InputPipe, openInputPipe } from './output/input-pipe.ts';
import { createOutputPipes, type OutputPipe, type OutputPipes } from './output/output-pipe.ts';
import { watchOutput, type OutputWatch } from './output/output-watch.ts';
import { createProcessTable, readLastPid, type ProcessTable } from './processes/process-table.ts';
import { createLauncher, type Launcher, type SandboxParts } from './launches.ts';
import {
  createLimitWatch,
  describeLimit,
  NO_LIMITS,
  OverLimit,
  toKernelLimit,
  type CommandLimits,
  type LimitName,
  type LimitWatch,
} from './processes/limits.ts';
import { type Hidden, watchHidden } from './sandbox/hidden-watch.ts';
import { MountChanged } from './sandbox/mount-sources.ts';
import { isInsideReal } from '../../folders/folders.ts';
import { startLeader, type Leader } from './processes/leader.ts';
import type { Reach } from './network/upstream-proxy.ts';
import { removeUnusedGitLinks } from './sandbox/git-links.ts';
import { openScratch, removeScratch, removeUnusedScratch, toOutsidePath } from './sandbox/scratch.ts';

export interface CommandRunnerOptions {
  /** Absolute; contains the records of running commands, their pipes and their temporary folders. Made when needed. */
  stateDirectory: string;
  /** Hosts that share the state directory have different ids; one that has it alone needs none. */
  hostId?: string;
  /** Absolute; folders that no command in a sandbox can read. */
  hiddenFolders?: string[];
  /** Absolute; folders inside those that every command can read, if they exist and are no links. */
  shownFolders?: readonly string[];
  /** Absolute; paths that no command in a sandbox can read. */
  deniedPaths?: readonly string[];
  /** None by default. */
  limits?: CommandLimits;
  /** Network access of commands in a sandbox, in addition to their policy; none by default. */
  network?: NetworkSetting;
  /** Opens the connections to hosts on the list of the network; for tests. */
  openConnection?: Reach;
  /** Milliseconds that a command has to clean up when it is stopped; for tests on a busy machine. */
  graceMs?: number;
  /** Receives messages about problems that affect no command. */
  log?: (message: string) => void;
}

export interface StartedCommand {
  /** The keyboard of its terminal; undefined if it has none. */
  keyboard: Writable | undefined;
  /** Sends SIGINT to all of its processes. */
  interrupt(): Promise<void>;
}

/** For a command that is looked at while it runs. */
export interface SessionIo {
  /** Called once it has started. */
  onStart(started: StartedCommand): void;
  /** All of its output; the bytes are valid during the call only. */
  onChunk(chunk: Uint8Array): void;
}

export interface CommandRunner extends CommandPort {
  run(spec: CommandSpec, io: CommandIo & { session?: SessionIo }): Promise<CommandReport>;
}

/** Milliseconds for the remaining output after the leader has ended, before processes that hold it open are ended. */
const LAST_OUTPUT_MS = 50;
/** Without a process the output must end; this limit is for a foreign writer. */
const CERTAIN_END_MS = 500;
/** Process ids cannot wrap within this time, so a scan may skip all processes older than the command. */
const NO_WRAP_MS = 10_000;
const LONGEST_TIMER_MS = 2_147_483_647;

/** Runs commands in this process. See `CommandPort` for the guarantees of its methods. */
export function createCommandRunner(options: CommandRunnerOptions): CommandRunner {
  const {
    stateDirectory,
    hostId,
    hiddenFolders = [],
    shownFolders = [],
    deniedPaths = listDeniedPaths(),
    limits = NO_LIMITS,
    graceMs = GRACE_MS,
    network = { type: 'off' },
    log = () => undefined,
  } = options;
  const table = createProcessTable();
  const fence = createFence({ stateDirectory, hostId, table, log });
  const pipesFolder = join(stateDirectory, 'pipes');
  const pipes = createOutputPipes(pipesFolder);
  const launcher = createLauncher({ stateDirectory, hiddenFolders, shownFolders, deniedPaths, limits });
  const watch = createLimitWatch();
  const tidy = (): Promise<void> => removeUnusedScratch(stateDirectory, log);
  const tidyLinks = (): Promise<void> => removeUnusedGitLinks(stateDirectory, log);
  void tidy();
  void tidyLinks();
  const probes = new Map<string | undefined, Promise<ProbedBubblewrap>>();
  const probe = (bubblewrap: string | undefined): Promise<ProbedBubblewrap> => {
    const state = probes.get(bubblewrap) ?? probeBubblewrap(bubblewrap);
    probes.set(bubblewrap, state);
    return state;
  };
  const toSandbox = async (spec: CommandSpec): Promise<Omit<SandboxParts, 'proxy'> | undefined> => {
    if (spec.sandbox.mode === 'danger-full-access') return undefined;
    const bubblewrap = findProgram('bwrap', [spec.workspace]);
    const state = await probe(bubblewrap);
    assertSandbox(spec.sandbox.mode, state);
    const scratch = openScratch(stateDirectory, spec.threadId, spec.workspace);
    return { bubblewrap: bubblewrap ?? '', takesDescriptors: state.takesDescriptors, scratch };
  };
  const startProxy = async (spec: CommandSpec): Promise<NetworkProxy | undefined> => {
    const { mode, networkAccess } = spec.sandbox;
    if (network.type !== 'hosts' || spec.offline || networkAccess || mode === 'danger-full-access') return undefined;
    return startNetworkProxy({ directory: stateDirectory, hosts: network.hosts, reach: options.openConnection });
  };

  return {
    sandbox: () => probe(findProgram('bwrap', [])),
    clean: (workspace, commandIds) => fence.clean(workspace, commandIds),
    async forget(threadId) {
      await removeScratch(stateDirectory, threadId).catch(tidy);
      await tidyLinks();
    },
    async run(asked, io) {
      const spec = network.type === 'on' && !asked.offline ? withNetwork(asked) : asked;
      assertCommand(spec.command);
      assertWorkspace(spec.workspace, spec.root);
      noteWorkspace(spec.root ?? spec.workspace);
      const parts = await toSandbox(spec);
      assertCwd(spec, parts);
      if (spec.unasked) assertNoBareRepository(spec.command, spec.cwd);
      await cleanFirst(() => fence.clean(spec.workspace), stateDirectory);
      const proxy = await startProxy(spec);
      const sandbox = parts && { ...parts, proxy: proxy?.socket };
      const attempt = async (): Promise<Attempt> => {
        const folders = [spec.workspace, stateDirectory];
        const pipe = await openOutput(pipes, spec.workspace, stateDirectory);
        let keyboard: InputPipe | undefined;
        try {
          keyboard = spec.terminal && (await openKeyboard(pipesFolder, spec.workspace));
          if (io.signal.aborted) return { report: NEVER_STARTED, started: true };
          const leave = enterFence(() => fence.enter(spec.workspace, spec.commandId), stateDirectory);
          const ways = { table, pipe, keyboard, leave, launcher };
          return await runInFence(spec, io, { ...ways, sandbox, limits, watch, folders, log, graceMs });
        } finally {
          pipe.release();
          keyboard?.closeReadEnd();
          keyboard?.input.destroy();
        }
      };
      try {
        return await untilStarted(attempt);
      } finally {
        proxy?.close();
      }
    },
  };
}

/** A mounted path may be removed or replaced before it is mounted; each attempt lists them again. */
const MAX_ATTEMPTS = 10;

async function untilStarted(attempt: () => Promise<Attempt>): Promise<CommandReport> {
  for (let left = MAX_ATTEMPTS - 1; ; left -= 1) {
    try {
      const { report, started } = await attempt();
      if (started || left === 0) return report;
    } catch (error) {
      if (!(error instanceof MountChanged)) throw error;
      if (left === 0) throw notStarted('its sandbox could not be made', error);
    }
  }
}

interface Attempt {
  report: CommandReport;
  /** False if the sandbox has ended before the command began: its message is in the output. */
  started: boolean;
}

function withNetwork(spec: CommandSpec): CommandSpec {
  return { ...spec, sandbox: { ...spec.sandbox, networkAccess: true } };
}

const NEVER_STARTED: CommandReport = {
  outcome: 'aborted',
  exitCode: null,
  output: '',
  outputBytes: 0,
  truncated: false,
  durationMs: 0,
  gone: true,
};

type Usable = Extract<ProbedBubblewrap, { available: true }>;

function assertSandbox(mode: SandboxMode, state: ProbedBubblewrap): asserts state is Usable {
  if (state.available) return;
  throw new Failure(
    'sandboxUnavailable',
    `A command in mode ${mode} needs a sandbox, and none works here: ${state.reason} ` +
      'Without one, only mode danger-full-access runs commands.',
  );
}

/** Refuses a text that no process can receive unchanged: another command than the approved one would run, or none. */
function assertCommand(command: string): void {
  const complaint = command.includes('\0')
    ? 'a command cannot hold a NUL character'
    : command.isWellFormed()
      ? undefined
      : 'it holds half of a surrogate pair, which is no character';
  if (complaint === undefined) return;
  throw new Failure(
    'commandNotStarted',
    `The command was not started: ${complaint}. Write it as an escape, for example in printf.`,
  );
}

function assertCwd(
  { cwd, workspace, sandbox: { writableRoots } }: CommandSpec,
  sandbox: Omit<SandboxParts, 'proxy'> | undefined,
): void {
  const outside = sandbox === undefined ? cwd : toOutsidePath(cwd, [workspace, ...writableRoots], sandbox.scratch);
  if (outside === cwd) assertWorkspace(cwd);
  // Without a sandbox, it starts in the folder that the person saw.
  if (sandbox === undefined) assertInside(cwd, workspace);
  else if (!existsSync(outside)) {
    const message = `The working directory ${cwd} does not exist in the sandbox, where /tmp is the thread's own.`;
    throw new Failure('workspaceMissing', message, { details: { path: cwd } });
  }
}

/** A folder of the workspace must not be a link out of it: any command of the sandbox could have made that link. */
function assertInside(cwd: string, workspace: string): void {
  const [now, root] = [cwd, workspace].map((path) => realpathSync(path)) as [string, string];
  if (!isInsideReal(cwd, workspace) || isInsideReal(now, root)) return;
  const message = `The working directory ${cwd} leads out of the workspace, to ${now}. To run a command there, name that folder itself.`;
  throw new Failure('workspaceMoved', message, { details: { path: cwd, root, now } });
}

async function openOutput(pipes: OutputPipes, workspace: string, stateDirectory: string): Promise<OutputPipe> {
  try {
    return await pipes.open(workspace);
  } catch (error) {
    throw notStarted(`no pipe for its output could be made in ${stateDirectory}`, error);
  }
}

async function openKeyboard(folder: string, workspace: string): Promise<InputPipe> {
  try {
    return await openInputPipe(folder, workspace);
  } catch (error) {
    throw notStarted(`no pipe for its input could be made in ${folder}`, error);
  }
}

async function cleanFirst(clean: () => Promise<unknown>, stateDirectory: string): Promise<void> {
  try {
    await clean();
  } catch (error) {
    throw notStarted(`the records of earlier commands could not be read in ${stateDirectory}`, error);
  }
}

function enterFence(enter: () => () => void, stateDirectory: string): () => void {
  try {
    return enter();
  } catch (error) {
    throw notStarted(`its record could not be written in ${stateDirectory}`, error);
  }
}

function notStarted(reason: string, cause: unknown): Failure {
  const said = cause instanceof Error ? cause.message : String(cause);
  return new Failure('commandNotStarted', `The command was not started: ${reason}: ${said}`, { cause });
}

interface RunParts {
  table: ProcessTable;
  pipe: OutputPipe;
  keyboard: InputPipe | undefined;
  leave: () => void;
  launcher: Launcher;
  sandbox: SandboxParts | undefined;
  limits: CommandLimits;
  graceMs: number;
  watch: LimitWatch;
  /** Absolute, on the file systems that the command can fill. */
  folders: string[];
  log: (message: string) => void;
}

async function runInFence(
  spec: CommandSpec,
  io: CommandIo & { session?: SessionIo },
  parts: RunParts,
): Promise<Attempt> {
  const { table, pipe, keyboard, leave, limits } = parts;
  const startedAt = performance.now();
  let leader: Leader;
  let hidden: Hidden;
  try {
    const { launch, close, hidden: noted } = parts.launcher.prepare(spec, parts.sandbox);
    hidden = noted;
    leader = await startLeader(launch, pipe.writeEnd, keyboard?.readEnd).finally(close);
  } catch (error) {
    leave();
    if (error instanceof Failure || error instanceof MountChanged) throw error;
    throw notStarted('its process could not be made', error);
  } finally {
    keyboard?.closeReadEnd();
  }
  pipe.closeWriteEnd();
  const output = watchOutput(spec.maxOutputBytes, io.onOutput);
  pipe.read((chunk) => {
    output.push(chunk);
    io.session?.onChunk(chunk);
  });
  const interrupt = () => interruptProcesses(table, toTarget(spec, leader));
  io.session?.onStart({ keyboard: keyboard?.input, interrupt });
  const end = await waitForEnd(spec, io.signal, leader, { ...parts, output, hidden });
  const target = toTarget(spec, leader);
  // In a sandbox, everything that the command started ends with its first process.
  if (isByUs(end) && parts.sandbox !== undefined) kill(leader.pid);
  const { gone: noneFound, killed } =
    end.outcome === 'exited' && !isByUs(end)
      ? { gone: await endLeftovers(table, target, { pipe, startedAt, leader }), killed: 0 }
      : await endProcesses(table, target, parts.graceMs);
  await settled(pipe.ended, noneFound ? CERTAIN_END_MS : LAST_OUTPUT_MS);
  await settled(leader.exited, CERTAIN_END_MS);
  // A process that left its session and wiped its environment is not found, so a scan is no proof.
  const gone = noneFound && (parts.sandbox !== undefined || leader.sawTheEnd());
  // If something is left the record stays, so that a later worker can retry.
  if (noneFound) leave();
  const limit = end.limit ?? toKernelLimit(leader.exitCode(), leader.signal());
  const report = { outcome: end.outcome, exitCode: leader.exitCode(), gone, durationMs: elapsed(startedAt) };
  const started = end.outcome !== 'exited' || !leader.refused();
  const limited = withLimit({ ...report, ...finish(output) }, limit, limits);
  const told = end.why === undefined ? limited : { ...limited, output: withLine(limited.output, end.why) };
  if (killed === 0) return { report: told, started };
  const ignored = `ignored SIGTERM for ${parts.graceMs} ms and ${killed === 1 ? 'was' : 'were'} killed`;
  parts.log(`${counted(killed)} of command ${spec.commandId} of thread ${spec.threadId} ${ignored}`);
  return { report: { ...told, killed, output: withLine(told.output, `${counted(killed)} ${ignored}.`) }, started };
}

function counted(processes: number): string {
  return processes === 1 ? 'A process' : `${processes} processes`;
}

function withLimit(report: CommandReport, limit: LimitName | undefined, limits: CommandLimits): CommandReport {
  if (limit === undefined) return report;
  return { ...report, output: withLine(report.output, describeLimit(limit, limits)), limit };
}

function withLine(output: string, line: string): string {
  return `${output}${output === '' || output.endsWith('\n') ? '' : '\n'}${line}\n`;
}

function toTarget(spec: CommandSpec, leader: Leader): EndTarget & { group: number } {
  return { commandIds: new Set([spec.commandId]), group: leader.pid, exited: leader.exited, spared: leader.pid };
}

async function interruptProcesses(table: ProcessTable, target: EndTarget): Promise<void> {
  for (const pid of await table.find(target)) if (pid !== target.spared) signal(pid, 'SIGINT');
}

function kill(pid: number): void {
  signal(pid, 'SIGKILL');
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended meanwhile.
  }
}

function elapsed(startedAt: number): number {
  return Math.round(performance.now() - startedAt);
}

function finish(output: OutputWatch): Pick<CommandReport, 'output' | 'outputBytes' | 'truncated'> {
  const { text, truncated, bytes } = output.finish();
  return { output: text, outputBytes: bytes, truncated };
}

interface CommandEnd {
  outcome: CommandReport['outcome'];
  limit?: LimitName;
  /** A reason of ours that is no limit. */
  why?: string;
}

function isByUs({ limit, why }: CommandEnd): boolean {
  return limit !== undefined || why !== undefined;
}

/** The reason why the command is over: the first of its own end, the signal, the clock and its limits. */
function waitForEnd(
  spec: CommandSpec,
  signal: AbortSignal,
  leader: Leader,
  { watch, limits, folders, output, hidden }: RunParts & { output: OutputWatch; hidden: Hidden },
): Promise<CommandEnd> {
  return new Promise((resolve) => {
    const over = (end: CommandEnd): void => {
      clearTimeout(timer);
      unwatch();
      unwatchHidden();
      signal.removeEventListener('abort', onAbort);
      resolve(end);
    };
    const onAbort = (): void => {
      const why: unknown = signal.reason;
      over(why instanceof OverLimit ? { outcome: 'exited', limit: why.limit } : { outcome: 'aborted' });
    };
    const timer = setTimeout(() => over({ outcome: 'timedOut' }), Math.min(spec.timeoutMs, LONGEST_TIMER_MS));
    const unwatch = watch.add({
      pid: leader.pid,
      folders,
      limits,
      outputBytes: () => output.bytes(),
      onLimit: (limit) => over({ outcome: 'exited', limit }),
    });
    const unwatchHidden = watchHidden({
      workspace: spec.workspace,
      hidden,
      sandboxPid: () => leader.sandboxPid(),
      onFault: (path, why) =>
        over({ outcome: 'exited', why: `Ended by Bobbin: ${path} has changed, and cannot be hidden again: ${why}` }),
    });
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
    void leader.ended.then(() => over({ outcome: 'exited' }));
  });
}

/** Ends the processes that a completed command left. Usually there are none, which one scan shows. */
async function endLeftovers(
  table: ProcessTable,
  target: EndTarget & { group: number },
  run: { pipe: OutputPipe; startedAt: number; leader: Leader },
): Promise<boolean> {
  await settled(Promise.all([run.pipe.ended, run.leader.exited]), LAST_OUTPUT_MS);
  if (run.leader.sawTheEnd()) return true;
  const lastPid = readLastPid();
  const noWrap = lastPid !== undefined && lastPid >= target.group && performance.now() - run.startedAt < NO_WRAP_MS;
  const left = await table.find(noWrap ? { ...target, from: target.group } : target);
  if (left.length === 0) return true;
  return (await endProcesses(table, target)).gone;
}

async function settled(promise: Promise<unknown>, boundMs: number): Promise<void> {
  const timer = new AbortController();
  const bound = delay(boundMs, undefined, { signal: timer.signal }).catch(() => undefined);
  await Promise.race([promise, bound]);
  timer.abort();
}
