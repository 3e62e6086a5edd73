/** The agent identities of accounts, for operators. */
import { z } from 'zod';
import { ReplaceIdentitySchema, RevokeIdentitySchema } from '../../../contract/index.ts';
import { compact } from '../../../contract/shapes.ts';
import { type Endpoint, endpoint, json } from '../endpoint.ts';
import type { ProblemCode } from '../problem.ts';
import { LimitSchema, ref } from '../schemas.ts';

const ReplacementSchema = z
  .object({ agentRuntimeId: ReplaceIdentitySchema.in.shape.agentRuntimeId })
  .transform(compact);
const SHARED = { tag: 'Identities', scope: 'admin', withoutOwner: true } as const;
const IDENTITY = [{ status: 200, says: 'The identity.', schema: ref('AccountIdentity') }] as const;
/** Of the identity service. */
const REFUSED: readonly ProblemCode[] = [
  ...(['agentIdentityRefused', 'agentIdentityUnavailable', 'agentIdentityAnswerMalformed'] as const),
];

export const IDENTITY_ENDPOINTS: readonly Endpoint[] = [
  endpoint({
    ...SHARED,
    method: 'get',
    path: '/v1/identities',
    summary: 'List the accounts that have an identity',
    description: '`unread`: accounts that no worker answered for in time.',
    query: z.object({ limit: LimitSchema }),
    answers: [{ status: 200, says: 'The identities, sorted by account.', schema: ref('IdentityList') }],
    problems: [],
    run: async ({ bobbin, query }) => json(await bobbin.identities.list(query)),
  }),
  endpoint({
    ...SHARED,
    method: 'get',
    path: '/v1/identities/{account}',
    summary: 'Read the identity of an account, its end, its policy and its last error',
    answers: IDENTITY,
    problems: ['identityNotFound'],
    run: async ({ bobbin, params: { account } }) => json(await bobbin.identities.show(account)),
  }),
  endpoint({
    ...SHARED,
    method: 'post',
    path: '/v1/identities/{account}/replace',
    summary: 'Register a new identity, also after a revocation',
    description:
      'Threads use it from their next model step on. `agentRuntimeId` is the identity to replace, and the idempotency key: nothing happens if another one is in use. Default: the one in use.',
    body: ReplacementSchema,
    answers: IDENTITY,
    problems: ['identityNotFound', ...REFUSED],
    run: async ({ bobbin, params: { account }, body }) => json(await bobbin.identities.replace(account, body)),
  }),
  endpoint({
    ...SHARED,
    method: 'post',
    path: '/v1/identities/{account}/revoke',
    summary: 'Stop the use of an identity, and remove its key',
    description:
      'No thread of the account has an identity until it is replaced. Sent twice, it is one revocation. If the key could not be removed, `keyLeft` of the revocation says so: send it again.',
    body: RevokeIdentitySchema,
    answers: IDENTITY,
    problems: ['identityNotFound', ...REFUSED],
    run: async ({ bobbin, params: { account }, body }) => json(await bobbin.identities.revoke(account, body)),
  }),
];
