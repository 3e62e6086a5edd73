/** What a client can do here, so that it need not offer the rest. */
import { type Endpoint, endpoint, json } from '../endpoint.ts';
import { ref } from '../schemas.ts';

export const SESSION_ENDPOINTS: readonly Endpoint[] = [
  endpoint({
    method: 'get',
    path: '/v1/session',
    tag: 'Session',
    summary: 'Read what the token allows, and where the Temporal UI is',
    description:
      'The UI has the workflow of a thread at `{url}/namespaces/{namespace}/workflows/thread%2F{threadId}`. `temporalUi` is null if it is not known, and for a token with an owner, since the UI shows the threads of all owners.',
    scope: 'read',
    answers: [{ status: 200, says: 'The session.', schema: ref('Session') }],
    problems: [],
    run({ bobbin, token: { name, scopes, owner }, temporalUiUrl }) {
      const temporalUi =
        temporalUiUrl === null || owner !== null ? null : { url: temporalUiUrl, namespace: bobbin.service.namespace };
      return Promise.resolve(json({ token: { name, scopes, owner }, temporalUi }));
    },
  }),
];
