/**
 * What the service can be told to do wrong, so that a client's handling of it can be tried over the real wire. Delay,
 * failures and nonsense apply to the registration endpoints (`/v1/`); a failure with a `path` applies to every request
 * whose path contains that text.
 */
import { z } from 'zod';

const lifetime = z.number().int();

export const ControlSchema = z.strictObject({
  /** Milliseconds before each registration answer; 0 ends it. */
  delayMs: z.number().int().min(0).max(600_000).optional(),
  /** The next `times` matching requests are answered with this HTTP status. */
  failNext: z
    .strictObject({
      status: z.number().int().min(400).max(599),
      times: z.number().int().min(0),
      path: z.string().min(1).optional(),
      retryAfterSeconds: z.number().int().min(0).optional(),
    })
    .optional(),
  /** Registrations are answered with status 200 and a body that is no JSON. */
  answerNonsense: z.boolean().optional(),
  expireTasks: z.union([z.literal(true), z.string().min(1)]).optional(),
  revokeIdentities: z.union([z.literal(true), z.string().min(1)]).optional(),
  /** Life of tasks registered from now on, in milliseconds; negative: they have ended already. */
  taskTtlMs: lifetime.optional(),
  /** The same for identities; null: no end, which is the default. */
  identityTtlMs: lifetime.nullable().optional(),
  /** Answers to registrations say nothing about the end. */
  hideExpiry: z.boolean().optional(),
});
export type Control = z.infer<typeof ControlSchema>;

export interface PlannedFailure {
  status: number;
  retryAfterSeconds: number | undefined;
}

export interface Drills {
  readonly delayMs: number;
  readonly answerNonsense: boolean;
  readonly taskTtlMs: number;
  readonly identityTtlMs: number | null;
  readonly hideExpiry: boolean;
  set(control: Control): void;
  /** The failure this request shall meet, counted off. */
  takeFailure(path: string): PlannedFailure | undefined;
}

const DAY_MS = 24 * 60 * 60 * 1000;

export function createDrills(): Drills {
  let delayMs = 0;
  let answerNonsense = false;
  let taskTtlMs = DAY_MS;
  let identityTtlMs: number | null = null;
  let hideExpiry = false;
  let failNext: NonNullable<Control['failNext']> | undefined;
  return {
    get delayMs() {
      return delayMs;
    },
    get answerNonsense() {
      return answerNonsense;
    },
    get taskTtlMs() {
      return taskTtlMs;
    },
    get identityTtlMs() {
      return identityTtlMs;
    },
    get hideExpiry() {
      return hideExpiry;
    },
    set(control) {
      delayMs = control.delayMs ?? delayMs;
      answerNonsense = control.answerNonsense ?? answerNonsense;
      taskTtlMs = control.taskTtlMs ?? taskTtlMs;
      if (control.identityTtlMs !== undefined) identityTtlMs = control.identityTtlMs;
      hideExpiry = control.hideExpiry ?? hideExpiry;
      if (control.failNext !== undefined) failNext = { ...control.failNext };
    },
    takeFailure(path) {
      if (failNext === undefined || failNext.times <= 0) return undefined;
      const concerned = failNext.path === undefined ? path.startsWith('/v1/') : path.includes(failNext.path);
      if (!concerned) return undefined;
      failNext.times -= 1;
      return { status: failNext.status, retryAfterSeconds: failNext.retryAfterSeconds };
    },
  };
}
