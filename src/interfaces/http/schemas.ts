/** Schemas of queries and answers. Those of the contract's types are made from the types. */
import { z } from 'zod';
import { CONTRACT_SCHEMAS, type ContractName } from './contract-schemas.ts';

export const FlagSchema = z.enum(['true', 'false']);

/** A number in a query. Other forms of numbers, such as 1e3, are refused. */
const CountSchema = z
  .string()
  .regex(/^\d{1,9}$/, 'a whole number is needed')
  .transform(Number);
export const LimitSchema = CountSchema.pipe(z.int().min(1).max(1_000)).default(50);
export const PageSchema = z.object({
  after: CountSchema.pipe(z.int().min(0)).default(0),
  limit: CountSchema.pipe(z.int().min(1).max(500)).default(100),
});

const text = { type: 'string' };
const flag = { type: 'boolean' };
const object = (properties: Record<string, object>) => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
});

const pointer = (name: string) => ({ $ref: `#/components/schemas/${name}` });

/** Answers that are no types of the contract. */
const OWN = {
  Session: object({
    token: object({
      name: text,
      scopes: { type: 'array', items: { enum: ['read', 'drive', 'approve', 'admin'] } },
      owner: { type: ['string', 'null'] },
    }),
    temporalUi: { anyOf: [object({ url: text, namespace: text }), { type: 'null' }] },
  }),
  ThreadStarted: object({ threadId: text }),
  ThreadResumed: object({ threadId: text, rejoined: flag, warnings: { type: 'array', items: text } }),
  TurnSubmitted: object({ threadId: text, turnId: text }),
  TurnInterrupted: object({ turnId: { type: ['string', 'null'] } }),
  RolledBack: object({ dropped: { type: 'array', items: text } }),
  BatchStarted: object({ batchId: text }),
  ScheduleCreated: object({ scheduleId: text, created: flag }),
  ScheduleTriggered: object({ run: { anyOf: [pointer('ScheduleFiring'), { type: 'null' }] } }),
  IdentityList: object({
    identities: { type: 'array', items: pointer('AccountIdentity') },
    unread: { type: 'array', items: text },
  }),
  ItemsPage: object({ items: { type: 'array', items: pointer('Item') }, next: { type: 'integer' }, more: flag }),
  StreamedEvent: {
    type: 'object',
    properties: {
      id: {
        ...text,
        description: 'The place of a logged event: its `seq`, in a tree with those of the threads below.',
      },
      event: { ...text, description: '`problem`, for the reason why the stream ended early.' },
      data: {
        ...text,
        contentMediaType: 'application/json',
        contentSchema: {
          anyOf: [pointer('ThreadEvent'), pointer('PartialEvent'), pointer('TreeEvent'), pointer('Problem')],
        },
      },
    },
    required: ['data'],
  },
};

type SchemaName = ContractName | keyof typeof OWN;

export function ref(name: SchemaName): object {
  return pointer(name);
}

export function listOf(member: string, name: SchemaName): object {
  return object({ [member]: { type: 'array', items: pointer(name) } });
}

export function answerSchemas(): Record<string, object> {
  return { ...CONTRACT_SCHEMAS, ...OWN };
}
