/**
 * Reads messages of clients that did not pass through our edge, by the schemas of the contract: zod does not run in the
 * sandbox. Unknown members are dropped, and null counts as left out.
 */
import { WIRE } from '../../src/contract/plain/wire.ts';
import type { WireSchema } from '../../src/contract/plain/wire-schema.ts';
import { RULES } from './message-rules.ts';
import { type Parsed, Refused, fields, flag, number, oneOf, parse, quote, text, wholeNumber } from './value-readers.ts';

/** @param name the name of the message in a refusal. */
export function readMessage<T>(message: keyof typeof WIRE, value: unknown, name: string): Parsed<T> {
  return parse(() => read(WIRE[message], value, '', name) as T);
}

function read(schema: WireSchema, value: unknown, place: string, name = place): unknown {
  const given = readAs(schema, value, place, name);
  return schema.rule === undefined ? given : RULES[schema.rule](given as never, name);
}

function readAs(schema: WireSchema, value: unknown, place: string, name: string): unknown {
  if (schema.oneOf !== undefined) return read(pick(schema.oneOf, value, place, name), value, place, name);
  switch (schema.type) {
    case 'object':
      return readObject(schema, value, place, name);
    case 'array':
      return readList(schema, value, name);
    case 'string':
      return readText(schema, value, name);
    case 'boolean':
      return flag(value, name);
    case 'integer':
      return wholeNumber(value, name, schema.minimum ?? -Infinity, schema.maximum);
    case 'number':
      return number(value, name, schema.minimum ?? -Infinity, schema.maximum ?? Infinity);
    case undefined:
      throw new Error(`${name}: the schema has no type`);
  }
}

/** The schema whose first member matches the value. */
function pick(schemas: readonly WireSchema[], value: unknown, place: string, name: string): WireSchema {
  const from = fields(value, name);
  const of = (schema: WireSchema) => Object.entries(schema.properties ?? {})[0] ?? ['', {}];
  const [key] = of(schemas[0] ?? {});
  const names = schemas.flatMap((schema) => of(schema)[1].enum ?? []);
  const found = oneOf(from[key], within(place, key), names);
  return schemas[names.indexOf(found)] ?? {};
}

function readObject(schema: WireSchema, value: unknown, place: string, name: string): unknown {
  const from = fields(value, name);
  if (schema.additionalProperties !== undefined) return readRecord(schema, from, place, name);
  const found: [string, unknown][] = [];
  for (const [key, member] of Object.entries(schema.properties ?? {})) {
    if (member.optional === true && (from[key] === undefined || from[key] === null)) {
      if (member.orNull === true) found.push([key, null]);
      continue;
    }
    found.push([key, read(member, from[key], within(place, key))]);
  }
  return Object.fromEntries(found);
}

function readRecord(schema: WireSchema, from: Record<string, unknown>, place: string, name: string): unknown {
  // A member of this name would become the prototype; the schema drops it, too.
  const keys = Object.keys(from).filter((key) => key !== '__proto__');
  const entries = keys.map((key): [string, unknown] => {
    read(schema.propertyNames ?? {}, key, name);
    return [key, read(schema.additionalProperties ?? {}, from[key], within(place, quote(key)))];
  });
  return Object.fromEntries(entries);
}

function readList(schema: WireSchema, value: unknown, name: string): unknown[] {
  const { minItems = 0, maxItems = Infinity, items = {} } = schema;
  if (!Array.isArray(value)) throw new Refused(`${name}: a list is needed`);
  if (value.length < minItems) throw new Refused(`${name}: must not be empty`);
  if (value.length > maxItems) throw new Refused(`${name}: at most ${maxItems} entries`, schema.code);
  return value.map((one, index) => read(items, one, `${name}[${index}]`));
}

function readText(schema: WireSchema, value: unknown, name: string): string {
  if (schema.enum !== undefined) return oneOf(value, name, schema.enum);
  const written = schema.trims === true && typeof value === 'string' ? value.trim() : value;
  const string = text(written, name, schema.maxLength ?? Infinity, schema.minLength);
  if (schema.pattern?.test(string) === false)
    throw new Refused(`${name}: ${schema.says ?? `must match ${String(schema.pattern)}`}`);
  return string;
}

function within(place: string, key: string): string {
  return place === '' ? key : `${place}.${key}`;
}
