/** Shows, replaces and revokes the agent identities of accounts. */
import { randomUUID } from 'node:crypto';
import { WorkflowNotFoundError } from '@temporalio/client';
import {
  type AccountIdentity,
  IDENTITY_WORKFLOW_TYPE,
  type ReplaceIdentity,
  ReplaceIdentitySchema,
  type RevokeIdentity,
  RevokeIdentitySchema,
} from '../../contract/index.ts';
import { IdSchema } from '../../contract/shapes.ts';
import { toIdentityWorkflowId } from '../../contract/plain/workflow-ids.ts';
import {
  accountQuery,
  replaceIdentityUpdate,
  revokeIdentityUpdate,
} from '../../../workflows/agent-identity/messages.ts';
import { askAll } from '../ask-all.ts';
import { BobbinError } from '../bobbin-error.ts';
import { callsOf } from '../calls.ts';
import { toBobbinError, toNamespaceError } from '../errors.ts';
import { GRPC, grpcStatus } from '../grpc.ts';
import type { Service } from '../service.ts';

export interface Identities {
  /** Sorted by account. `unread`: accounts that no worker answered for in time. @param options `limit`: 1,000 by default */
  list(options?: { limit?: number }): Promise<{ identities: AccountIdentity[]; unread: string[] }>;
  /** Rejects with `identityNotFound` if no thread of that account ever needed an identity. */
  show(account: string): Promise<AccountIdentity>;
  /**
   * Registers a new identity for the account; all its threads use it from their next model step on. Also after a revocation.
   * `agentRuntimeId` is the identity to replace, by default the one in use now: nothing happens if another one is in use by
   * then.
   */
  replace(account: string, replacement?: Omit<ReplaceIdentity, 'by'>): Promise<AccountIdentity>;
  /**
   * Stops the use of an identity, at its service too, and removes its key: no thread of the account has one until it is
   * replaced. Idempotent.
   */
  revoke(account: string, revocation?: RevokeIdentity): Promise<AccountIdentity>;
}

/** Longer than one attempt of a registration; see `workflows/agent-identity/`. */
const DEADLINE_MS = 30_000;

export function openIdentities(service: Service): Identities {
  const of = (account: string) => {
    const handle = service.client.workflow.getHandle(toIdentityWorkflowId(IdSchema.parse(account)));
    const calls = callsOf(service, (error, action) => toIdentityError(error, account, action));
    return { handle, ...calls };
  };
  const checked = async <T>(action: string, body: () => Promise<T>): Promise<T> => {
    try {
      return await body();
    } catch (error) {
      throw toBobbinError(error, { threadId: '-', action });
    }
  };
  const show = (account: string): Promise<AccountIdentity> =>
    checked('show an identity', () => {
      const { ask, handle } = of(account);
      return ask('show an identity', () => handle.query(accountQuery));
    });
  /** Named in the update, so that two operators who replace at once register one identity. */
  const toReplace = async (account: string): Promise<string | undefined> => {
    const { identity, revocation } = await show(account);
    return (identity ?? revocation)?.agentRuntimeId;
  };
  return {
    show,
    list: async ({ limit = 1_000 } = {}) => {
      const accounts = await checked('list identities', () => accountsOf(service, limit));
      const show = (quick: Service, { account }: Listed) => openIdentities(quick).show(account);
      const found = await askAll(service, accounts, show, ({ queue }) => queue);
      return {
        identities: found.filter((one) => one !== null),
        unread: accounts.filter((_, index) => found[index] === null).map(({ account }) => account),
      };
    },
    replace: (account, replacement = {}) =>
      checked('replace an identity', async () => {
        const { call, handle } = of(account);
        const { agentRuntimeId = await toReplace(account) } = ReplaceIdentitySchema.parse(replacement);
        const args: [ReplaceIdentity] = [
          { ...(agentRuntimeId === undefined ? {} : { agentRuntimeId }), by: 'operator' },
        ];
        const update = () => handle.executeUpdate(replaceIdentityUpdate, { args, updateId: randomUUID() });
        await call('replace an identity', update, DEADLINE_MS);
        return show(account);
      }),
    revoke: (account, revocation = {}) =>
      checked('revoke an identity', () => {
        const { call, handle } = of(account);
        const args: [RevokeIdentity] = [RevokeIdentitySchema.parse(revocation)];
        const update = () => handle.executeUpdate(revokeIdentityUpdate, { args, updateId: randomUUID() });
        return call('revoke an identity', update, DEADLINE_MS);
      }),
  };
}

interface Listed {
  account: string;
  queue: string;
}

async function accountsOf(service: Service, limit: number): Promise<Listed[]> {
  const query = `WorkflowType = "${IDENTITY_WORKFLOW_TYPE}" AND ExecutionStatus = "Running"`;
  const prefix = toIdentityWorkflowId('').length;
  const accounts: Listed[] = [];
  await service.within(async () => {
    for await (const { workflowId, taskQueue } of service.client.workflow.list({ query })) {
      accounts.push({ account: workflowId.slice(prefix), queue: taskQueue });
      if (accounts.length >= limit) break;
    }
  });
  return accounts.sort((a, b) => (a.account < b.account ? -1 : 1));
}

function toIdentityError(error: unknown, account: string, action: string): BobbinError {
  const unknownNamespace = toNamespaceError(error, action);
  if (unknownNamespace !== null) return unknownNamespace;
  if (error instanceof WorkflowNotFoundError || grpcStatus(error) === GRPC.NOT_FOUND) {
    const message = `${action}: account ${account} has no identity: none of its threads ever needed one.`;
    return new BobbinError('identityNotFound', message, error);
  }
  return toBobbinError(error, { threadId: toIdentityWorkflowId(account), action });
}
