/**
 * Temporal's own conversion, but for one thing: a payload that cannot be read becomes a value that says so. A client can
 * send any bytes; were reading them to throw here, the workflow task would fail and be retried for ever.
 */
import { DefaultPayloadConverter, type Payload, type PayloadConverter } from '@temporalio/common';
import { toUnreadable } from './unreadable.ts';

const standard = new DefaultPayloadConverter();

export const payloadConverter: PayloadConverter = {
  toPayload: (value) => standard.toPayload(value),
  fromPayload: (payload: Payload) => {
    try {
      return standard.fromPayload(payload);
    } catch (error) {
      return toUnreadable(error) as never;
    }
  },
};
