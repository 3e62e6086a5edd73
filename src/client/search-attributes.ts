/** The search attributes of threads: what a service knows of them, and making them known to it. */
import { SEARCH_ATTRIBUTES, type SearchAttributeName, type SearchAttributeState } from '../contract/index.ts';
import { BobbinError } from './bobbin-error.ts';
import { grpcStatus, toBobbinError } from './errors.ts';
import type { Service } from './service.ts';

type TypeName = (typeof SEARCH_ATTRIBUTES)[SearchAttributeName];

/** Numbers of Temporal's `IndexedValueType`, fixed by its protocol. */
const TYPE_NUMBERS: Record<TypeName, number> = { Keyword: 2, Int: 3, Double: 4, Bool: 5 };
const TYPE_NAMES = ['Unspecified', 'Text', 'Keyword', 'Int', 'Double', 'Bool', 'Datetime', 'KeywordList'];

const NAMES = Object.keys(SEARCH_ATTRIBUTES) as SearchAttributeName[];

/** What a call needs of a service; the embedded stack asks before there is a client. */
export type SearchAttributeService = Pick<Service, 'connection' | 'namespace' | 'within'>;

/** In the order of the contract. Throws `notPermitted` where the service does not tell. */
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
 * Registers those that are missing; twice is once. Threads that were opened before do not use them. Throws
 * `searchAttributeTaken` where one of that name has another type, ahead of any change, or where the namespace has no room for
 * another one, and `notPermitted` where this client may not.
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
    `The namespace ${namespace} has a search attribute ${name} of type ${found}, and ${type} is needed. Nothing was registered. ` +
      `If nobody needs that one, remove it: \`temporal operator search-attribute remove --namespace ${namespace} --name ${name}\`.`,
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
        `The service does not let this client ${action} of the namespace ${namespace}: ${reason}. Have somebody with the rights ` +
          'register them (docs/operators.md has their names and types), and set BOBBIN_SEARCH_ATTRIBUTES=on for the workers.',
        error,
      );
    }
    if (status === INVALID_ARGUMENT) {
      throw new BobbinError(
        'searchAttributeTaken',
        `The service does not ${action} of the namespace ${namespace}: ${reason}. Remove attributes that nobody needs, or go ` +
          'without: threads then work as ever, and the Temporal UI cannot filter them.',
        error,
      );
    }
    throw toBobbinError(error, { threadId: '-', action });
  }
}
