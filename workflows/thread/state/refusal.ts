import type { RejectionCode } from '../../../src/contract/index.ts';

/** Why a message is not accepted. */
export interface Refusal {
  code: RejectionCode;
  reason: string;
}
