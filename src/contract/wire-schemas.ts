/** The schemas of all messages that workflows read without zod. */
import { z } from 'zod';
import type { WireSchema } from './plain/wire-schema.ts';
import { StartBatchSchema, TargetReviewSchema } from './reviews/batch.ts';
import { DismissFindingSchema, ReopenFindingSchema } from './reviews/ledger.ts';
import { HostRegistrationSchema } from './hosts.ts';
import { CleanStoreSchema } from './store-cleaning.ts';
import { EnsureIdentitySchema, ReplaceIdentitySchema, RevokeIdentitySchema } from './identity.ts';
import { TreeBudgetSchema } from './threads/budget.ts';
import { MoveThreadSchema } from './threads/move.ts';
import { EditQueueSchema } from './threads/queue.ts';
import { ResolveRequestSchema } from './threads/requests.ts';
import {
  RememberRulesSchema,
  RepositoryRulesRequestSchema,
  RevokeRuleSchema,
  RuleMatchSchema,
  RulesKeySchema,
} from './threads/rules.ts';
import { AgentMessageSchema, SubThreadMessageSchema } from './threads/sub-threads.ts';
import { StartThreadSchema } from './threads/thread.ts';
import {
  CloseThreadSchema,
  InterruptTurnSchema,
  RollbackTurnsSchema,
  SteerTurnSchema,
  SubmitTurnSchema,
} from './threads/turn.ts';

export const MESSAGE_SCHEMAS = {
  agentMessage: AgentMessageSchema,
  cleanStore: CleanStoreSchema,
  closeThread: CloseThreadSchema,
  dismissFinding: DismissFindingSchema,
  editQueue: EditQueueSchema,
  ensureIdentity: EnsureIdentitySchema,
  hostRegistration: HostRegistrationSchema,
  interruptTurn: InterruptTurnSchema,
  moveThread: MoveThreadSchema,
  rememberRules: RememberRulesSchema,
  reopenFinding: ReopenFindingSchema,
  replaceIdentity: ReplaceIdentitySchema,
  repositoryRules: RepositoryRulesRequestSchema,
  resolveRequest: ResolveRequestSchema,
  revokeIdentity: RevokeIdentitySchema,
  revokeRule: RevokeRuleSchema,
  rollbackTurns: RollbackTurnsSchema,
  ruleMatch: RuleMatchSchema,
  rulesKey: RulesKeySchema,
  startBatch: StartBatchSchema,
  startThread: StartThreadSchema,
  steerTurn: SteerTurnSchema,
  submitTurn: SubmitTurnSchema,
  subThreadReport: SubThreadMessageSchema,
  targetReview: TargetReviewSchema,
  treeBudget: TreeBudgetSchema,
};

export function toWireSchemas(): Record<string, WireSchema> {
  return mapMembers(MESSAGE_SCHEMAS, (schema) =>
    toWireSchema(z.toJSONSchema(schema, { io: 'input' }) as unknown as JsonSchema),
  );
}

/** The members of JSON Schema that the messages need. */
interface JsonSchema extends Omit<WireSchema, keyof JsonSchemaMembers | 'optional'>, JsonSchemaMembers {}

interface JsonSchemaMembers {
  type?: WireSchema['type'] | 'null' | [WireSchema['type'], 'null'];
  pattern?: string;
  const?: string;
  anyOf?: [JsonSchema, { type: 'null' }];
  oneOf?: JsonSchema[];
  items?: JsonSchema;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  propertyNames?: JsonSchema;
  additionalProperties?: JsonSchema;
}

function toWireSchema(schema: JsonSchema): WireSchema {
  const { anyOf, type, required, const: only, ...rest } = schema;
  if (anyOf !== undefined) return { optional: true, ...toWireSchema({ ...rest, ...anyOf[0] }) };
  if (Array.isArray(type)) return { optional: true, ...toWireSchema({ ...schema, type: type[0] }) };
  const {
    $schema: _,
    format: __,
    properties,
    items,
    oneOf,
    propertyNames,
    additionalProperties,
    pattern,
    ...plain
  } = rest as typeof rest & { $schema?: string; format?: string };
  return {
    ...(type === undefined ? {} : { type: type as NonNullable<WireSchema['type']> }),
    ...plain,
    ...(pattern === undefined ? {} : { pattern: new RegExp(pattern, 'u') }),
    ...(only === undefined ? {} : { enum: [only] }),
    ...(properties === undefined ? {} : { properties: toMembers(properties, required ?? []) }),
    ...(items === undefined ? {} : { items: toWireSchema(items) }),
    ...(oneOf === undefined ? {} : { oneOf: oneOf.map(toWireSchema) }),
    ...(propertyNames === undefined ? {} : { propertyNames: toWireSchema(propertyNames) }),
    ...(additionalProperties === undefined ? {} : { additionalProperties: toWireSchema(additionalProperties) }),
  };
}

function toMembers(properties: Record<string, JsonSchema>, required: readonly string[]): Record<string, WireSchema> {
  const members = mapMembers(properties, toWireSchema);
  for (const [name, { optional = false }] of Object.entries(members))
    if (optional === required.includes(name))
      throw new Error(`${name}: what may be left out may be null, and what may be null may be left out`);
  return members;
}

function mapMembers<A, B>(members: Record<string, A>, body: (member: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(members).map(([name, member]) => [name, body(member)]));
}

/** The text of `src/contract/plain/wire.ts`. */
export function writeWireModule(): string {
  const members = Object.entries(toWireSchemas()).map(([name, schema]) => `  ${name}: ${toSource(schema)},`);
  return [
    '/** Written by `npm run generate:wire` from the schemas of the contract. Do not edit. */',
    "import type { WireSchema } from './wire-schema.ts';",
    '',
    'export const WIRE = {',
    ...members,
    '} satisfies Record<string, WireSchema>;',
    '',
  ].join('\n');
}

function toSource(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (value instanceof RegExp) return String(value);
  if (Array.isArray(value)) return `[${value.map(toSource).join(',')}]`;
  return `{${Object.entries(value)
    .map(([key, member]) => `${JSON.stringify(key)}:${toSource(member)}`)
    .join(',')}}`;
}
