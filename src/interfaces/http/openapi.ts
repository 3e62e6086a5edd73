/** The OpenAPI 3.1 document, from the list of endpoints and the schemas of the contract. */
import { z } from 'zod';
import type { AnswerShape, Endpoint } from './endpoint.ts';
import { PROBLEMS, PROBLEM_TYPE, type ProblemCode, ProblemSchema } from './problem.ts';
import { answerSchemas } from './schemas.ts';
import { CURSOR_PATTERN } from './tree-cursor.ts';

interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  required: boolean;
  description?: string;
  schema: object;
}

export interface Operation {
  operationId: string;
  tags: string[];
  summary: string;
  description: string;
  security: Record<string, string[]>[];
  parameters: Parameter[];
  requestBody?: { required: true; content: Record<string, { schema: object }> };
  responses: Record<string, { description: string; content?: Record<string, { schema: object }> }>;
}

export interface Document {
  openapi: '3.1.0';
  info: { title: string; version: string; description: string };
  paths: Record<string, Record<string, Operation>>;
  components: Record<string, Record<string, object>>;
}

/** Every request may meet these. */
const COMMON: readonly ProblemCode[] = [
  ...(['invalid', 'unauthorized', 'scopeMissing', 'foreignOrigin', 'rateLimited', 'stopping', 'internal'] as const),
  ...(['serviceUnavailable', 'namespaceNotFound', 'workerUnavailable', 'threadOpening', 'betweenWorkers'] as const),
];
const WITH_BODY: readonly ProblemCode[] = ['bodyTooLarge', 'unsupportedMediaType'];

export function createDocument(endpoints: readonly Endpoint[]): Document {
  const paths: Document['paths'] = {};
  for (const one of endpoints) (paths[one.path] ??= {})[one.method] = toOperation(one);
  return {
    openapi: '3.1.0',
    info: {
      title: 'Bobbin',
      version: '0.1.0',
      description: 'Durable coding-agent threads. Every failed request is answered with a problem (RFC 9457).',
    },
    paths,
    components: {
      schemas: { ...answerSchemas(), Problem: toJsonSchema(ProblemSchema, 'output') },
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
    },
  };
}

function toOperation(one: Endpoint): Operation {
  const { method, path, tag, summary, description, scope, withoutOwner, body, upload } = one;
  const notes = [
    ...(description === undefined ? [] : [description]),
    `Needs the scope \`${scope}\`${withoutOwner ? ' and a token without an owner' : ''}.`,
  ];
  return {
    operationId: `${method}${path.replaceAll(/[/{}-]+(\w)?/g, (_, letter: string | undefined) => letter?.toUpperCase() ?? '')}`,
    tags: [tag],
    summary,
    description: notes.join('\n\n'),
    security: [{ token: [] }],
    parameters: [...pathParameters(path), ...queryParameters(one), ...eventParameters(one)],
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: toJsonSchema(body, 'input') } } } }),
    ...(upload === undefined ? {} : { requestBody: { required: true, content: toFiles(upload) } }),
    responses: toResponses(one),
  };
}

function toFiles({ mediaTypes }: NonNullable<Endpoint['upload']>): NonNullable<Operation['requestBody']>['content'] {
  return Object.fromEntries(mediaTypes.map((type) => [type, { schema: { type: 'string', contentMediaType: type } }]));
}

function pathParameters(path: string): Parameter[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    // A path ends such a segment in many servers and clients, so it is refused in an address: `.` and `..`.
    schema: { type: 'string', minLength: 1, maxLength: 200, pattern: '^[A-Za-z0-9._:@/-]+$' },
  }));
}

function queryParameters({ query }: Endpoint): Parameter[] {
  if (query === undefined) return [];
  const { properties = {}, required = [] } = toJsonSchema(query, 'input') as ObjectSchema;
  const read = (toJsonSchema(query, 'output') as ObjectSchema).properties ?? {};
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    // A number is text in a query, and is described as what is read from it.
    schema: withoutNull({ ...(read[name] !== undefined && 'type' in read[name] ? read[name] : schema) }),
  }));
}

interface ObjectSchema {
  properties?: Record<string, object>;
  required?: string[];
}

/** A query has no null. */
function withoutNull(schema: { anyOf?: { type?: string }[] }): object {
  const { anyOf, ...rest } = schema;
  return anyOf === undefined ? schema : { ...anyOf.find(({ type }) => type !== 'null'), ...rest };
}

function eventParameters({ answers }: Endpoint): Parameter[] {
  if (!answers.some(({ mediaType }) => mediaType === 'text/event-stream')) return [];
  return [
    {
      name: 'Last-Event-ID',
      in: 'header',
      required: false,
      schema: { type: 'string', pattern: CURSOR_PATTERN.source },
    },
  ];
}

function toResponses(one: Endpoint): Operation['responses'] {
  const codes = [
    ...COMMON,
    ...(one.body === undefined && one.upload === undefined ? [] : WITH_BODY),
    ...(one.withoutOwner ? (['ownerRestricted'] as const) : []),
    ...one.problems,
  ];
  const statuses = [...new Set(codes.map((code) => PROBLEMS[code].status))].sort((a, b) => a - b);
  const problems = statuses.map((status) => {
    const named = [...new Set(codes)].filter((code) => PROBLEMS[code].status === status);
    const description = named.map((code) => `\`${code}\`: ${PROBLEMS[code].title}.`).join(' ');
    const schema = { $ref: '#/components/schemas/Problem' };
    return [String(status), { description, content: { [PROBLEM_TYPE]: { schema } } }] as const;
  });
  return { ...toAnswers(one.answers), ...Object.fromEntries(problems) };
}

/** Answers of one status in several media types are one response. */
function toAnswers(answers: readonly AnswerShape[]): Operation['responses'] {
  const responses: Operation['responses'] = {};
  for (const { status, says, mediaType = 'application/json', schema } of answers) {
    const { content } = responses[status] ?? {};
    responses[status] = {
      description: says,
      ...(schema === undefined ? {} : { content: { ...content, [mediaType]: { schema } } }),
    };
  }
  return responses;
}

/** Without the contract's own notes, and the format of zod's that is no part of JSON Schema. */
function toJsonSchema(schema: z.ZodType, io: 'input' | 'output'): object {
  const { $schema: _, ...own } = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    override({ jsonSchema }) {
      const { says: _, trims: __, rule: ___, code: ____, format, ...rest } = jsonSchema;
      for (const name of Object.keys(jsonSchema)) Reflect.deleteProperty(jsonSchema, name);
      Object.assign(jsonSchema, rest, format === undefined || format === 'starts_with' ? {} : { format });
    },
  });
  return own;
}
