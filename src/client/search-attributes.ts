/** Reads and registers the search attributes of threads at a service. */
import { SEARCH_ATTRIBUTES, type SearchAttributeName, type SearchAttributeState } from '../contract/index.ts';
import { BobbinError } from './bobbin-error.ts';
import { toBobbinError } from './errors.ts';
import { grpcStatus } from './grpc.ts';
import type { Service } from './service.ts';

type TypeName = (typeof SEARCH_ATTRIBUTES)[SearchAttributeName];

/** The numbers of Temporal's `IndexedValueType`; its protocol fixes them. */
const TYPE_NUMBERS: Record<TypeName, number> = { Keyword: 2, Int: 3, Double: 4, Bool: 5 };
const TYPE_NAMES = ['Unspecified', 'Text', 'Keyword', 'Int', 'Double', 'Bool', 'Datetime', 'KeywordList'];

const NAMES = Object.keys(SEARCH_ATTRIBUTES) as SearchAttributeName[];

/** The part of a service that a call needs. The embedded stack calls before it has a client. */
export type SearchAttributeService = Pick<Service, 'connection' | 'namespace' | 'within'>;

/** In the order of the contract. Throws `notPermitted` if the service does not permit it. */
export async function listSearchAttributes(service: SearchAttributeService): Promise<SearchAttributeState[]> {
  const { namespace } = service;
  const known = await ask(service, 'list the search attributes', async () => {
    const { customAttributes } = await service.connection.operatorService.listSearchAttributes({ namespace });
    return customAttributes;
  });
  return NAMES.map((name) => toState(name, known[name]));
}

function toState(name: SearchAttributeName, number: number | undefined): SearchAttributeState {
  const type = SEARCH_ATTRIBUTES[name];
  if (number === undefined) return { name, type, status: 'missing' };
  if (number === TYPE_NUMBERS[type]) return { name, type, status: 'registered' };
  return { name, type, status: 'otherType', found: TYPE_NAMES[number] ?? String(number) };
}

/**
 * Registers the missing ones. Idempotent. Threads that were opened before do not use them. Throws
 * `searchAttributeTaken` if one with that name has another type (before any change) or if the namespace has no room for
 * another one, and `notPermitted` if this client may not do it.
 */
export async function registerSearchAttributes(service: SearchAttributeService): Promise<SearchAttributeState[]> {
  const before = await listSearchAttributes(service);
  for (const state of before) if (state.status === 'otherType') throw taken(service, state);
  const missing = before.filter(({ status }) => status === 'missing').map(({ name }) => name);
  if (missing.length === 0) return before;
  const { namespace } = service;
  const searchAttributes = Object.fromEntries(missing.map((name) => [name, TYPE_NUMBERS[SEARCH_ATTRIBUTES[name]]]));
  await ask(service, 'register the search attributes', () =>
    service.connection.operatorService.addSearchAttributes({ namespace, searchAttributes }),
  );
  return listSearchAttributes(service);
}

function taken({ namespace }: SearchAttributeService, state: SearchAttributeState & { status: 'otherType' }) {
  const { name, type, found } = state;
  return new BobbinError(
    'searchAttributeTaken',
    `The namespace ${namespace} has a search attribute ${name} of type ${found}, but Bobbin needs ${type}. Nothing was registered. ` +
      `If nobody needs it, remove it from the namespace.`,
  );
}

const PERMISSION_DENIED = 7;
const UNIMPLEMENTED = 12;
const UNAUTHENTICATED = 16;
const INVALID_ARGUMENT = 3;

async function ask<T>(service: SearchAttributeService, action: string, call: () => Promise<T>): Promise<T> {
  try {
    return await service.within(call);
  } catch (error) {
    const status = grpcStatus(error);
    const { namespace } = service;
    const reason = error instanceof Error ? ((error as { details?: string }).details ?? error.message) : String(error);
    if (status === PERMISSION_DENIED || status === UNAUTHENTICATED || status === UNIMPLEMENTED) {
      throw new BobbinError(
        'notPermitted',
        `The service does not permit this client to ${action} of the namespace ${namespace}: ${reason}. Ask somebody with the permission ` +
          'to register them (docs/operators.md has names and types), and set BOBBIN_SEARCH_ATTRIBUTES=on for the workers.',
        error,
      );
    }
    if (status === INVALID_ARGUMENT) {
      throw new BobbinError(
        'searchAttributeTaken',
        `The service does not ${action} of the namespace ${namespace}: ${reason}. Remove attributes that nobody needs, or do ` +
          'without: threads still work, but the Temporal UI cannot filter them.',
        error,
      );
    }
    throw toBobbinError(error, { threadId: '-', action });
  }
}
