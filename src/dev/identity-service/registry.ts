/**
 * What the reference identity service remembers: identities, tasks, and which of them were revoked or expired. Kept in
 * memory, and in a JSON file where one is named, so that a restart keeps what was registered.
 */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { writePrivateFile } from '../../folders/private-file.ts';

const IdentitySchema = z.object({
  publicKey: z.string(),
  registeredAt: z.string(),
  revoked: z.boolean(),
  /** Left out for no end. */
  expiresAtMs: z.number().optional(),
});
const TaskSchema = z.object({ agentRuntimeId: z.string(), registeredAt: z.string(), expiresAtMs: z.number() });
const RegistrySchema = z.object({
  version: z.literal(1),
  identities: z.record(z.string(), IdentitySchema),
  tasks: z.record(z.string(), TaskSchema),
});

export type RegisteredIdentity = z.infer<typeof IdentitySchema>;
export type RegisteredTask = z.infer<typeof TaskSchema>;

export interface Registry {
  identity(agentRuntimeId: string): RegisteredIdentity | undefined;
  task(taskId: string): RegisteredTask | undefined;
  /** Answers the new `agent_runtime_id`, once it is kept. @param ttlMs null for no end */
  addIdentity(publicKey: Buffer, ttlMs: number | null): Promise<{ agentRuntimeId: string; expiresAtMs?: number }>;
  /** Answers the new task id, once it is kept. */
  addTask(agentRuntimeId: string, ttlMs: number): Promise<{ taskId: string; expiresAtMs: number }>;
  expireTasks(which: true | string): Promise<void>;
  revokeIdentities(which: true | string): Promise<void>;
  /** Number of identities, and of tasks under each. */
  counts(): { identities: number; tasks: Record<string, number> };
}

/** Opens the registry; rejects when the file is there and cannot be read as one. */
export async function openRegistry(stateFile: string | undefined): Promise<Registry> {
  const loaded = stateFile === undefined ? undefined : await loadRegistry(stateFile);
  const identities = new Map(Object.entries(loaded?.identities ?? {}));
  const tasks = new Map(Object.entries(loaded?.tasks ?? {}));
  const toText = () =>
    JSON.stringify({ version: 1, identities: Object.fromEntries(identities), tasks: Object.fromEntries(tasks) });
  const save = stateFile === undefined ? () => Promise.resolve() : savingTo(stateFile, toText);

  return {
    identity: (agentRuntimeId) => identities.get(agentRuntimeId),
    task: (taskId) => tasks.get(taskId),
    async addIdentity(publicKey, ttlMs) {
      const agentRuntimeId = `agent-runtime-${randomUUID()}`;
      const now = Date.now();
      const end = ttlMs === null ? {} : { expiresAtMs: now + ttlMs };
      const registeredAt = new Date(now).toISOString();
      identities.set(agentRuntimeId, { publicKey: publicKey.toString('base64'), registeredAt, revoked: false, ...end });
      await save();
      return { agentRuntimeId, ...end };
    },
    async addTask(agentRuntimeId, ttlMs) {
      const taskId = `agent-task-${randomUUID()}`;
      const now = Date.now();
      tasks.set(taskId, { agentRuntimeId, registeredAt: new Date(now).toISOString(), expiresAtMs: now + ttlMs });
      await save();
      return { taskId, expiresAtMs: now + ttlMs };
    },
    async expireTasks(which) {
      for (const [taskId, task] of tasks) if (which === true || which === taskId) task.expiresAtMs = 0;
      await save();
    },
    async revokeIdentities(which) {
      for (const [id, identity] of identities) if (which === true || which === id) identity.revoked = true;
      await save();
    },
    counts() {
      const perRuntime: Record<string, number> = {};
      for (const id of identities.keys()) perRuntime[id] = 0;
      for (const task of tasks.values()) perRuntime[task.agentRuntimeId] = (perRuntime[task.agentRuntimeId] ?? 0) + 1;
      return { identities: identities.size, tasks: perRuntime };
    },
  };
}

async function loadRegistry(stateFile: string): Promise<z.infer<typeof RegistrySchema> | undefined> {
  try {
    return RegistrySchema.parse(JSON.parse(await readFile(stateFile, 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    const advice = 'Move the file away to start with an empty registry.';
    throw new Error(`The reference identity service cannot read its state file ${stateFile}. ${advice}`, {
      cause: error,
    });
  }
}

/** One write at a time; changes made during a write share the next one. Resolves once the caller's change is on disk. */
function savingTo(stateFile: string, toText: () => string): () => Promise<void> {
  let running: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;
  return () => {
    next ??= running
      .catch(() => undefined)
      .then(() => {
        next = undefined;
        running = writePrivateFile(stateFile, toText());
        return running;
      });
    return next;
  };
}
