/** Reads and revokes remembered answers. */
import { z } from 'zod';
import { HostIdSchema, PathSchema } from '../../../contract/shapes.ts';
import { DONE, type Endpoint, NOTHING, endpoint, json } from '../endpoint.ts';
import { listOf, ref } from '../schemas.ts';

const FolderSchema = z.object({
  cwd: PathSchema.describe('Any folder of the repository, on the workers.'),
  host: HostIdSchema.optional().describe('The host that has it. Default: any.'),
});

const on = (host: string | undefined) => (host === undefined ? {} : { host });

export const RULE_ENDPOINTS: readonly Endpoint[] = [
  endpoint({
    method: 'get',
    path: '/v1/threads/{threadId}/rules',
    tag: 'Rules',
    summary: 'Read the remembered answers of a thread and its turn',
    scope: 'read',
    answers: [{ status: 200, says: 'The rules, oldest first.', schema: listOf('rules', 'ApprovalRule') }],
    problems: ['threadNotFound'],
    run: async ({ thread }) => json(await (await thread()).rules()),
  }),
  endpoint({
    method: 'delete',
    path: '/v1/threads/{threadId}/rules/{ruleId}',
    tag: 'Rules',
    summary: 'Revoke a rule of a thread',
    scope: 'approve',
    answers: [DONE],
    problems: ['threadNotFound', 'threadClosed', 'ruleUnknown'],
    async run({ thread, params: { ruleId } }) {
      await (await thread()).revokeRule({ ruleId });
      return NOTHING;
    },
  }),
  endpoint({
    method: 'get',
    path: '/v1/repository-rules',
    tag: 'Rules',
    summary: 'Read the remembered answers of a repository',
    scope: 'read',
    withoutOwner: true,
    query: FolderSchema,
    answers: [{ status: 200, says: 'The rules.', schema: ref('RepositoryRules') }],
    problems: ['rulesUnavailable'],
    run: async ({ bobbin, query: { cwd, host } }) => json(await bobbin.repositoryRules.list(cwd, on(host))),
  }),
  endpoint({
    method: 'delete',
    path: '/v1/repository-rules/{ruleId}',
    tag: 'Rules',
    summary: 'Revoke a rule of a repository',
    scope: 'approve',
    withoutOwner: true,
    query: FolderSchema,
    answers: [{ status: 200, says: 'The remaining rules.', schema: ref('RepositoryRules') }],
    problems: ['rulesUnavailable', 'ruleUnknown'],
    run: async ({ bobbin, query: { cwd, host }, params: { ruleId } }) =>
      json(await bobbin.repositoryRules.revoke(cwd, ruleId, on(host))),
  }),
];
