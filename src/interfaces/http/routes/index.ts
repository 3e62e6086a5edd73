/** All endpoints, in the order of the documentation. */
import type { Endpoint } from '../endpoint.ts';
import { BATCH_ENDPOINTS } from './batches.ts';
import { EVENT_ENDPOINTS } from './events.ts';
import { IDENTITY_ENDPOINTS } from './identities.ts';
import { IMAGE_ENDPOINTS } from './images.ts';
import { LEDGER_ENDPOINTS } from './ledgers.ts';
import { PAST_ENDPOINTS } from './past.ts';
import { REQUEST_ENDPOINTS } from './requests.ts';
import { RULE_ENDPOINTS } from './rules.ts';
import { SCHEDULE_ENDPOINTS } from './schedules.ts';
import { SESSION_ENDPOINTS } from './session.ts';
import { STORE_ENDPOINTS } from './store.ts';
import { THREAD_ENDPOINTS } from './threads.ts';
import { TURN_ENDPOINTS } from './turns.ts';

export const ENDPOINTS: readonly Endpoint[] = [
  ...SESSION_ENDPOINTS,
  ...[
    ...THREAD_ENDPOINTS,
    ...TURN_ENDPOINTS,
    ...IMAGE_ENDPOINTS,
    ...EVENT_ENDPOINTS,
    ...REQUEST_ENDPOINTS,
    ...RULE_ENDPOINTS,
  ],
  ...[...PAST_ENDPOINTS, ...BATCH_ENDPOINTS, ...SCHEDULE_ENDPOINTS, ...LEDGER_ENDPOINTS],
  ...IDENTITY_ENDPOINTS,
  ...STORE_ENDPOINTS,
];
