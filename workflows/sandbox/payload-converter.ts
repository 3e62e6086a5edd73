/**
 * Temporal's own conversion, with one exception: an unreadable payload becomes a value that marks it. A client can send
 * any bytes; if reading them threw here, the workflow task would fail and be retried without end.
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
