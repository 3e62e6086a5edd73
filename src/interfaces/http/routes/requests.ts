/** Reads and answers requests to people. */
import { z } from 'zod';
import { ResolveRequestSchema } from '../../../contract/index.ts';
import { compact } from '../../../contract/shapes.ts';
import { DONE, type Endpoint, NOTHING, endpoint, json } from '../endpoint.ts';
import { HttpProblem } from '../problem.ts';
import { listOf, ref } from '../schemas.ts';

const { requestId: _, ...answer } = ResolveRequestSchema.in.shape;
const AnswerSchema = z.object(answer).transform(compact);

export const REQUEST_ENDPOINTS: readonly Endpoint[] = [
  endpoint({
    method: 'get',
    path: '/v1/requests',
    tag: 'Requests',
    summary: 'Read the open requests of all threads, with their whole texts',
    scope: 'read',
    withoutOwner: true,
    answers: [{ status: 200, says: 'The requests.', schema: ref('OpenRequests') }],
    problems: [],
    run: async ({ bobbin }) => json(await bobbin.threads.requests()),
  }),
  endpoint({
    method: 'get',
    path: '/v1/threads/{threadId}/requests',
    tag: 'Requests',
    summary: 'Read the open requests, with their whole texts',
    scope: 'read',
    answers: [{ status: 200, says: 'The requests, oldest first.', schema: listOf('requests', 'ThreadRequest') }],
    problems: ['threadNotFound'],
    async run({ thread }) {
      const handle = await thread();
      const { openRequests } = await handle.view();
      return json({ requests: await Promise.all(openRequests.map((open) => handle.wholeRequest(open))) });
    },
  }),
  endpoint({
    method: 'post',
    path: '/v1/threads/{threadId}/requests/{requestId}',
    tag: 'Requests',
    summary: 'Answer a request',
    description: 'A token with an owner may not remember an answer for the repository, which other owners share.',
    scope: 'approve',
    body: AnswerSchema,
    answers: [DONE],
    problems: ['threadNotFound', 'threadClosed', 'requestNotOpen', 'requestMismatch', 'inputTooLarge'],
    async run({ thread, token, params: { requestId }, body }) {
      if (body.remember?.scope === 'repository' && token.owner !== null)
        throw new HttpProblem('ownerRestricted', 'A token with an owner may not remember answers for a repository.');
      await (await thread()).resolve({ ...body, requestId });
      return NOTHING;
    },
  }),
];
