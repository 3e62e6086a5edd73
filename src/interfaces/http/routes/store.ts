/** The store that hosts share. Only read: what it loses is decided by who has its keys. */
import { type Endpoint, endpoint, json } from '../endpoint.ts';
import { ref } from '../schemas.ts';

export const STORE_ENDPOINTS: readonly Endpoint[] = [
  endpoint({
    tag: 'Store',
    withoutOwner: true,
    method: 'get',
    path: '/v1/store/cleaning',
    summary: 'Read the schedule by which workers clean the store, and the results of its newest runs',
    scope: 'read',
    answers: [{ status: 200, says: 'The schedule.', schema: ref('CleaningScheduleView') }],
    problems: ['scheduleNotFound', 'scheduleForeign'],
    run: async ({ bobbin }) => json(await bobbin.storeCleaning.describe()),
  }),
];
