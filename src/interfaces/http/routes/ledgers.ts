/** The known findings of review targets. */
import { z } from 'zod';
import { DismissFindingSchema, ReopenFindingSchema } from '../../../contract/index.ts';
import { optional } from '../../../contract/shapes.ts';
import { DONE, type Endpoint, NOTHING, endpoint, json } from '../endpoint.ts';
import { LimitSchema, listOf, ref } from '../schemas.ts';

const by = optional(ReopenFindingSchema.shape.by).describe('Who decides. Default: the name of the token.');
const DismissSchema = z.object({ why: DismissFindingSchema.shape.why, by });
const ReopenSchema = z.object({ by });

export const LEDGER_ENDPOINTS: readonly Endpoint[] = [
  endpoint({
    method: 'get',
    path: '/v1/ledgers',
    tag: 'Ledgers',
    summary: 'List the ledgers',
    scope: 'read',
    withoutOwner: true,
    query: z.object({ limit: LimitSchema }),
    answers: [{ status: 200, says: 'The ledgers.', schema: listOf('ledgers', 'LedgerSummary') }],
    problems: [],
    run: async ({ bobbin, query }) => json({ ledgers: await bobbin.ledgers.list(query) }),
  }),
  endpoint({
    method: 'get',
    path: '/v1/ledgers/{targetId}',
    tag: 'Ledgers',
    summary: 'Read the findings of a target',
    scope: 'read',
    withoutOwner: true,
    answers: [{ status: 200, says: 'The ledger.', schema: ref('LedgerView') }],
    problems: ['ledgerNotFound'],
    run: async ({ bobbin, params: { targetId } }) => json(await bobbin.ledgers.get(targetId).view()),
  }),
  endpoint({
    method: 'post',
    path: '/v1/ledgers/{targetId}/findings/{findingId}/dismiss',
    tag: 'Ledgers',
    summary: 'No longer count a finding',
    scope: 'drive',
    withoutOwner: true,
    body: DismissSchema,
    answers: [DONE],
    problems: ['ledgerNotFound', 'findingUnknown', 'findingDismissed'],
    async run({ bobbin, token, params: { targetId, findingId }, body }) {
      await bobbin.ledgers.get(targetId).dismiss({ findingId, why: body.why, by: body.by ?? token.name });
      return NOTHING;
    },
  }),
  endpoint({
    method: 'post',
    path: '/v1/ledgers/{targetId}/findings/{findingId}/reopen',
    tag: 'Ledgers',
    summary: 'Reverse a dismissal',
    scope: 'drive',
    withoutOwner: true,
    body: ReopenSchema,
    answers: [DONE],
    problems: ['ledgerNotFound', 'findingUnknown', 'findingNotDismissed'],
    async run({ bobbin, token, params: { targetId, findingId }, body }) {
      await bobbin.ledgers.get(targetId).reopen({ findingId, by: body.by ?? token.name });
      return NOTHING;
    },
  }),
];
