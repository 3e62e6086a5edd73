/** Hosts: machines, or containers, whose workers run the steps of the threads that work there. */
import { z } from 'zod';
import { HostIdSchema, MomentSchema, compact, optional } from './shapes.ts';

/** The argument of the workflow `host`, and its memo under the name `host`. */
export const HostRegistrationSchema = z
  .object({
    hostId: HostIdSchema,
    /** The group of hosts that see the same files under the same paths; left out if it is in none. */
    group: optional(HostIdSchema),
    /** A hash of what only its data folder has. */
    key: z.string().min(1).max(200),
    /** The machine that it was last on. `bootId` is empty if it is not known. */
    machine: z.object({ name: z.string().max(300), bootId: z.string().max(100) }),
    draining: z.boolean(),
    /** When it was registered, in milliseconds since the epoch. */
    since: MomentSchema,
  })
  .transform(compact);
export type HostRegistration = z.infer<typeof HostRegistrationSchema>;

/** `draining`: it takes no new threads. `away`: no worker serves it. */
export type HostStatus = 'serving' | 'draining' | 'away';

export interface HostView extends Omit<HostRegistration, 'key' | 'draining'> {
  status: HostStatus;
  draining: boolean;
  /** When a worker of it was last seen; null if none was in the last minutes. Milliseconds since the epoch. */
  seenAt: number | null;
}
