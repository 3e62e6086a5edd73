/** The worker's configuration, from the environment. `docs/configuration.md` lists every variable. */
import { totalmem } from 'node:os';
import { resolve } from 'node:path';
import { z } from 'zod';
import type { Defaults } from '../../activities/ports.ts';
import { type Accounts, readAccounts } from '../adapters/credentials/accounts.ts';
import type { TokenSource } from '../adapters/credentials/token-source.ts';
import { type McpServerConfig, readMcpConfig } from '../adapters/mcp/config.ts';
import { type OwnModels, readOwnModels } from '../adapters/model/own-models.ts';
import { listDeniedPaths } from '../adapters/shell/sandbox/denied-paths.ts';
import type { CommandLimits } from '../adapters/shell/processes/limits.ts';
import { type NetworkSetting, readNetworkSetting } from '../adapters/shell/network/network-proxy.ts';
import { type S3Place, readS3Place } from '../adapters/store/store-place.ts';
import { createReach } from '../adapters/shell/network/upstream-proxy.ts';
import {
  type AgentIdentityChoice,
  AgentIdentityModeSchema,
  ApprovalPolicySchema,
  BudgetSchema,
  DEFAULT_TASK_QUEUE,
  HostIdSchema,
  LIMITS,
  SandboxModeSchema,
} from '../contract/index.ts';
import { modelOptionsOf } from '../contract/plain/model-options.ts';
import { strictest } from '../contract/plain/identity-modes.ts';
import { MAX_HEARTBEAT_MS } from '../contract/plain/heartbeat.ts';
import { WEB_SEARCHES, type WebSearch } from '../contract/plain/web-search.ts';
import { cacheDirectory, dataDirectory, dataLayout, outermost, workspacesDirectory } from '../folders/folders.ts';
import { readOwnInstructions } from './own-instructions.ts';

const wholeNumber = (fallback: number, min = 1) => z.coerce.number().int().min(min).default(fallback);
const optionalNumber = (min: number) => z.coerce.number().int().min(min).optional();
const FlagSchema = z.enum(['true', 'false', '1', '0']).transform((value) => value === 'true' || value === '1');
const flag = (fallback: boolean) => FlagSchema.prefault(fallback ? 'true' : 'false');

/** JSON in a variable; undefined if it is not set. */
const jsonOf = <S extends z.ZodType>(schema: S) =>
  z
    .string()
    .transform((text, context): unknown => {
      try {
        return JSON.parse(text);
      } catch {
        context.addIssue({ code: 'custom', message: 'JSON is needed' });
        return z.NEVER;
      }
    })
    .pipe(schema)
    .optional();

const EnvironmentSchema = z.object({
  BOBBIN_ARCHIVE_DIR: z.string().min(1).optional(),
  BOBBIN_KEYS_DIR: z.string().min(1).optional(),
  /** `s3://bucket/prefix`; folders by default. */
  BOBBIN_STORE: z.string().min(1).optional(),
  BOBBIN_STORE_ENDPOINT: z.url().optional(),
  BOBBIN_STORE_PATH_STYLE: FlagSchema.optional(),
  /** In base64. */
  BOBBIN_STORE_KEY: z
    .string()
    .transform((text) => Buffer.from(text, 'base64'))
    .refine(({ length }) => length === 32, '32 bytes in base64 are needed: openssl rand -base64 32')
    .optional(),
  AWS_REGION: z.string().min(1).optional(),
  BOBBIN_MCP_CONFIG: z.string().min(1).optional(),
  BOBBIN_INSTRUCTIONS: z.string().max(LIMITS.instructionsChars).optional(),
  BOBBIN_TASK_QUEUE: z.string().min(1).default(DEFAULT_TASK_QUEUE),
  BOBBIN_HOST: HostIdSchema.optional(),
  BOBBIN_HOST_GROUP: HostIdSchema.optional(),
  /** In seconds. */
  BOBBIN_HOST_GRACE: z.coerce.number().int().min(1).max(2_000_000).default(600),
  BOBBIN_OFFLINE_MODEL_URL: z.url().optional(),
  BOBBIN_IDENTITY_URL: z.url().optional(),
  BOBBIN_IDENTITY_MODE: AgentIdentityModeSchema.optional(),
  BOBBIN_IDENTITY_ACCOUNT: z.string().min(1).default('default'),
  /** Read at each call, like the addresses of the providers. */
  BOBBIN_ASSERTION_GATEWAY: z
    .string()
    .refine(
      areGateways,
      'names of providers that can have a gateway, such as anthropic and google, separated by commas',
    )
    .optional(),
  /** Read at each call. */
  BOBBIN_FREEFORM_TOOLS: z.enum(['auto', 'on', 'off']).default('auto'),
  BOBBIN_IDENTITY_ACCOUNTS: z.string().min(1).optional(),
  BOBBIN_IDENTITY_TOKEN: z.string().min(1).optional(),
  BOBBIN_IDENTITY_TOKEN_FILE: z.string().min(1).optional(),
  /** How long a turn waits for the identity service, with and without a person. */
  BOBBIN_IDENTITY_WAIT_MS: wholeNumber(15_000, 0),
  BOBBIN_IDENTITY_UNATTENDED_WAIT_MS: wholeNumber(600_000, 0),
  BOBBIN_APPROVAL_POLICY: ApprovalPolicySchema.default('on-request'),
  BOBBIN_SANDBOX: SandboxModeSchema.default('workspace-write'),
  /** In milliseconds; 0: never. A day by default. */
  BOBBIN_REQUEST_DEADLINE_MS: wholeNumber(86_400_000, 0),
  BOBBIN_WEB_SEARCH: z.enum(WEB_SEARCHES).default('off'),
  BOBBIN_AGENT_MAX_DEPTH: wholeNumber(2, 0),
  BOBBIN_AGENT_MAX_ACTIVE: wholeNumber(6),
  BOBBIN_SNAPSHOTS: z.enum(['on', 'off']).default('on'),
  BOBBIN_SEARCH_ATTRIBUTES: z.enum(['auto', 'on', 'off']).default('auto'),
  BOBBIN_REPOSITORY_RULES: z.enum(['on', 'off']).default('on'),
  BOBBIN_REVIEW_MODEL: z.string().min(1).max(LIMITS.idChars).optional(),
  BOBBIN_CONTINUE_AFTER_EVENTS: wholeNumber(2_000, 20),
  BOBBIN_CONTINUE_AFTER_BYTES: wholeNumber(1_048_576, 10_000),
  /** In tokens; from the table of models if omitted. */
  BOBBIN_CONTEXT_WINDOW: optionalNumber(1_000),
  BOBBIN_AUTO_COMPACT_TOKENS: optionalNumber(1),
  BOBBIN_HEARTBEAT_MS: z.coerce.number().int().min(20).max(MAX_HEARTBEAT_MS).default(75),
  BOBBIN_LOCAL_STOP: flag(true),
  BOBBIN_BUDGET: jsonOf(BudgetSchema),
  BOBBIN_PRICES: z.never('it is no longer read: put prices into models.json (docs/models.md)').optional(),
  BOBBIN_ALLOW_HTTP: flag(false),
  BOBBIN_FETCH_TIMEOUT_MS: wholeNumber(3_600_000, 1_000),
  BOBBIN_FETCH_IDLE_MS: wholeNumber(120_000, 1_000),
  BOBBIN_MAX_REPOSITORY_MB: wholeNumber(4_096),
  BOBBIN_MAX_MIRRORS_MB: wholeNumber(20_480, 0),
  BOBBIN_MAX_TARGETS_MB: wholeNumber(20_480, 0),
  BOBBIN_MAX_OUTPUT_BYTES: wholeNumber(40_000, 200),
  /** Limits of one command; 0: no limit. */
  BOBBIN_MAX_PROCESSES: wholeNumber(4_096, 0),
  BOBBIN_MAX_MEMORY_MB: wholeNumber(Math.floor(totalmem() / 2 ** 21), 0),
  BOBBIN_MAX_FILE_MB: wholeNumber(16_384, 0),
  BOBBIN_MAX_CPU_S: wholeNumber(14_400, 0),
  BOBBIN_MAX_COMMAND_OUTPUT_MB: wholeNumber(1_024, 0),
  BOBBIN_MIN_FREE_MB: wholeNumber(512, 0),
  /** In seconds; a timer takes no more. */
  BOBBIN_MAX_UNATTENDED_S: z.coerce.number().int().min(0).max(2_000_000).default(600),
  BOBBIN_NETWORK: z
    .string()
    .default('off')
    .transform((text, context): NetworkSetting => {
      try {
        return readNetworkSetting(text);
      } catch (error) {
        context.addIssue({ code: 'custom', message: (error as Error).message });
        return z.NEVER;
      }
    }),
  BOBBIN_WORKFLOW_STACK_TRACES: flag(false),
  BOBBIN_MAX_CACHED_THREADS: wholeNumber(500),
  BOBBIN_MAX_STEPS: wholeNumber(100),
  BOBBIN_SHUTDOWN_GRACE_MS: wholeNumber(10_000, 0),
});

/** Endpoints of OpenAI and compatible ones get assertions anyway. Those of the operator's own have names that are not known here. */
function areGateways(names: string): boolean {
  return names.split(',').every((name) => /^\s*(?!openai(-compatible)?\s*$)[a-z0-9][a-z0-9._-]*\s*$/.test(name));
}

export interface WorkerConfig {
  taskQueue: string;
  /** The id of this host, if the operator has chosen it. */
  hostId: string | undefined;
  /** Hosts of one group see the same files under the same paths. */
  hostGroup: string | undefined;
  /** Absolute path of the data folder. */
  stateDirectory: string;
  /** Absolute path for the work trees of forks and the clones of batch targets; outside the data folder. */
  workspacesDirectory: string;
  /** Of the clones that threads work in. */
  clonesDirectory: string;
  maxRepositoryBytes: number;
  /** Of all mirrors together. */
  maxMirrorBytes: number;
  /** Of the repositories of batch targets and of threads. */
  fetching: { allowHttp: boolean; fetchTimeoutMs: number; fetchIdleMs: number; maxTargetBytes: number };
  /** Absolute paths that no sandbox may read or write and no snapshot may contain, wherever the workspace is. */
  closedFolders: string[];
  /** Absolute paths that no sandbox, patch, snapshot, undo, fork or project document may read or write. */
  deniedPaths: string[];
  archiveDirectory: string;
  /** What the hosts of a task queue share, if it is no folder. */
  store: S3Place | undefined;
  keyDirectory: string;
  /** Seals the keys of identities in the store; without it they stay in the folder. 32 bytes. */
  storeKey: Buffer | undefined;
  /** The person's own. */
  skillsDirectory: string;
  /** What the person has said about those of workspaces. */
  trustedSkillsDirectory: string;
  /** Of the rules of repositories. */
  rulesDirectory: string;
  offlineModelUrl: string | undefined;
  identityUrl: string | undefined;
  accounts: Accounts;
  mcpServers: McpServerConfig[];
  /** Instructions for all agents: those of the file, then those of the variable. */
  ownInstructions: string[];
  /** Models and providers of the operator. */
  ownModels: OwnModels;
  webSearch: WebSearch;
  heartbeatEveryMs: number;
  /** Whether a step in the same worker as its thread stops at once, before the service cancels it. */
  localStop: boolean;
  maxOutputBytes: number;
  commandLimits: CommandLimits;
  network: NetworkSetting;
  maxCachedThreads: number;
  /** In workflows; they cost time. */
  stackTraces: boolean;
  maxSteps: number;
  shutdownGraceMs: number;
  /** Tokens. */
  contextWindow: number | undefined;
  autoCompactTokens: number | undefined;
  defaults: Defaults;
  /** `auto` asks the service whether they are registered. */
  searchAttributes: 'auto' | 'on' | 'off';
}

const MIB = 1024 * 1024;

/** Throws an error that names every invalid variable, or every invalid member of the MCP configuration. */
export function readWorkerConfig(env: NodeJS.ProcessEnv, model: string): WorkerConfig {
  const vars = readVariables(EnvironmentSchema, env);
  const budget = vars.BOBBIN_BUDGET;
  const data = dataLayout(dataDirectory(env));
  const archive = toArchivePlace(vars, data.root);
  const keyDirectory = resolve(vars.BOBBIN_KEYS_DIR ?? data.keys);
  // Fails at the start instead of in each command.
  if (vars.BOBBIN_NETWORK.type === 'hosts') createReach(env);
  const accounts = readAccounts({
    file: resolve(vars.BOBBIN_IDENTITY_ACCOUNTS ?? data.accounts),
    isRequired: vars.BOBBIN_IDENTITY_ACCOUNTS !== undefined,
    others: {
      mode: vars.BOBBIN_IDENTITY_MODE ?? (vars.BOBBIN_IDENTITY_URL === undefined ? 'off' : 'recoverable'),
      token: toTokenSource(vars),
    },
  });
  return {
    taskQueue: vars.BOBBIN_TASK_QUEUE,
    hostId: vars.BOBBIN_HOST,
    hostGroup: vars.BOBBIN_HOST_GROUP,
    stateDirectory: data.root,
    workspacesDirectory: workspacesDirectory(env, data.root),
    clonesDirectory: data.clones,
    maxRepositoryBytes: vars.BOBBIN_MAX_REPOSITORY_MB * MIB,
    maxMirrorBytes: vars.BOBBIN_MAX_MIRRORS_MB * MIB,
    fetching: {
      allowHttp: vars.BOBBIN_ALLOW_HTTP,
      fetchTimeoutMs: vars.BOBBIN_FETCH_TIMEOUT_MS,
      fetchIdleMs: vars.BOBBIN_FETCH_IDLE_MS,
      maxTargetBytes: vars.BOBBIN_MAX_TARGETS_MB * MIB,
    },
    closedFolders: outermost([data.root, archive.archiveDirectory, keyDirectory, cacheDirectory(env)]),
    deniedPaths: [...new Set([...listDeniedPaths(env), ...accounts.files])],
    ...archive,
    skillsDirectory: data.skills,
    trustedSkillsDirectory: data.trustedSkills,
    rulesDirectory: data.rules,
    keyDirectory,
    storeKey: toStoreKey(vars),
    offlineModelUrl: vars.BOBBIN_OFFLINE_MODEL_URL,
    identityUrl: vars.BOBBIN_IDENTITY_URL,
    accounts,
    webSearch: vars.BOBBIN_WEB_SEARCH,
    ownInstructions: [readOwnInstructions(data.instructions), vars.BOBBIN_INSTRUCTIONS ?? ''],
    mcpServers: readMcpConfig(vars.BOBBIN_MCP_CONFIG ?? data.mcpConfig, env, vars.BOBBIN_MCP_CONFIG !== undefined),
    ownModels: readOwnModels(env),
    heartbeatEveryMs: vars.BOBBIN_HEARTBEAT_MS,
    localStop: vars.BOBBIN_LOCAL_STOP,
    searchAttributes: vars.BOBBIN_SEARCH_ATTRIBUTES,
    maxOutputBytes: vars.BOBBIN_MAX_OUTPUT_BYTES,
    network: vars.BOBBIN_NETWORK,
    commandLimits: {
      processes: vars.BOBBIN_MAX_PROCESSES,
      memoryMb: vars.BOBBIN_MAX_MEMORY_MB,
      fileMb: vars.BOBBIN_MAX_FILE_MB,
      cpuS: vars.BOBBIN_MAX_CPU_S,
      outputMb: vars.BOBBIN_MAX_COMMAND_OUTPUT_MB,
      freeMb: vars.BOBBIN_MIN_FREE_MB,
      unattendedS: vars.BOBBIN_MAX_UNATTENDED_S,
    },
    maxCachedThreads: vars.BOBBIN_MAX_CACHED_THREADS,
    stackTraces: vars.BOBBIN_WORKFLOW_STACK_TRACES,
    maxSteps: vars.BOBBIN_MAX_STEPS,
    shutdownGraceMs: vars.BOBBIN_SHUTDOWN_GRACE_MS,
    contextWindow: vars.BOBBIN_CONTEXT_WINDOW,
    autoCompactTokens: vars.BOBBIN_AUTO_COMPACT_TOKENS,
    defaults: (start) => ({
      cwd: start.workspace.cwd ?? '',
      hostGraceMs: vars.BOBBIN_HOST_GRACE * 1_000,
      title: start.title ?? '',
      model: start.model ?? model,
      ...modelOptionsOf(start),
      instructions: start.instructions ?? '',
      approvalPolicy: start.approvalPolicy ?? vars.BOBBIN_APPROVAL_POLICY,
      sandbox: start.sandbox ?? vars.BOBBIN_SANDBOX,
      agentIdentity: toIdentityChoice(accounts, start.agentIdentity, vars.BOBBIN_IDENTITY_ACCOUNT),
      identityWaitMs: {
        attended: vars.BOBBIN_IDENTITY_WAIT_MS,
        unattended: vars.BOBBIN_IDENTITY_UNATTENDED_WAIT_MS,
      },
      unattended: start.unattended ?? null,
      parent: start.parent ?? null,
      budget: start.parent === undefined ? { ...budget, ...start.budget } : (start.budget ?? {}),
      subThreads: { maxDepth: vars.BOBBIN_AGENT_MAX_DEPTH, maxActive: vars.BOBBIN_AGENT_MAX_ACTIVE },
      snapshots: vars.BOBBIN_SNAPSHOTS === 'on',
      repositoryRules: vars.BOBBIN_REPOSITORY_RULES === 'on',
      reviewModel: vars.BOBBIN_REVIEW_MODEL ?? null,
      waitingApart: true,
      quietFirstStep: true,
      promptInMemo: true,
      network: vars.BOBBIN_NETWORK.type !== 'off',
      requestDeadlineMs: vars.BOBBIN_REQUEST_DEADLINE_MS,
      continueAsNewAfter: { events: vars.BOBBIN_CONTINUE_AFTER_EVENTS, bytes: vars.BOBBIN_CONTINUE_AFTER_BYTES },
    }),
  };
}

const ArchiveVariables = EnvironmentSchema.pick({
  BOBBIN_ARCHIVE_DIR: true,
  BOBBIN_STORE: true,
  BOBBIN_STORE_ENDPOINT: true,
  BOBBIN_STORE_PATH_STYLE: true,
  AWS_REGION: true,
  BOBBIN_ALLOW_HTTP: true,
});

export type ArchivePlace = Pick<WorkerConfig, 'archiveDirectory' | 'store'>;

/** The archive of a worker with this environment. @param data absolute path of the data folder */
export function readArchivePlace(env: NodeJS.ProcessEnv, data: string): ArchivePlace {
  return toArchivePlace(readVariables(ArchiveVariables, env), data);
}

function toArchivePlace(vars: z.infer<typeof ArchiveVariables>, data: string): ArchivePlace {
  const options = {
    endpoint: vars.BOBBIN_STORE_ENDPOINT,
    pathStyle: vars.BOBBIN_STORE_PATH_STYLE,
    region: vars.AWS_REGION,
    allowHttp: vars.BOBBIN_ALLOW_HTTP,
  };
  return {
    archiveDirectory: resolve(vars.BOBBIN_ARCHIVE_DIR ?? dataLayout(data).archive),
    store: vars.BOBBIN_STORE === undefined ? undefined : readS3Place(vars.BOBBIN_STORE, options),
  };
}

function readVariables<S extends z.ZodType>(schema: S, env: NodeJS.ProcessEnv): z.infer<S> {
  // Many shells and compose files use an empty variable for "not set".
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const parsed = schema.safeParse(set);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new Error(`The environment cannot be used:\n${problems.join('\n')}`);
}

function toStoreKey(vars: z.infer<typeof EnvironmentSchema>): Buffer | undefined {
  if (vars.BOBBIN_STORE_KEY !== undefined && vars.BOBBIN_STORE === undefined)
    throw new Error('BOBBIN_STORE_KEY seals what is in BOBBIN_STORE, which is not set.');
  return vars.BOBBIN_STORE_KEY;
}

function toTokenSource(vars: z.infer<typeof EnvironmentSchema>): TokenSource {
  const { BOBBIN_IDENTITY_TOKEN: token, BOBBIN_IDENTITY_TOKEN_FILE: file } = vars;
  if (token !== undefined && file !== undefined)
    throw new Error('Set BOBBIN_IDENTITY_TOKEN or BOBBIN_IDENTITY_TOKEN_FILE, not both.');
  if (file !== undefined) return { type: 'file', path: resolve(file) };
  return token === undefined ? { type: 'none' } : { type: 'env', name: 'BOBBIN_IDENTITY_TOKEN' };
}

/** A client may ask for a stricter mode than that of the account, never for a less strict one. */
function toIdentityChoice(
  accounts: Accounts,
  asked: AgentIdentityChoice | undefined,
  usual: string,
): AgentIdentityChoice {
  const account = asked?.account ?? usual;
  return { account, mode: strictest(accounts.of(account).mode, asked?.mode) };
}
