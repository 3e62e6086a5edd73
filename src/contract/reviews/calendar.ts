import { z } from 'zod';

/** Limit on the ranges in one field. */
const MOST_RANGES = 100;

/** Temporal's names. */
const MONTHS = [
  ...(['JANUARY', 'FEBRUARY', 'MARCH', 'APRIL', 'MAY', 'JUNE', 'JULY'] as const),
  ...(['AUGUST', 'SEPTEMBER', 'OCTOBER', 'NOVEMBER', 'DECEMBER'] as const),
];
const DAYS = ['SUNDAY', 'MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY'] as const;

export interface CalendarRange<Unit = number> {
  /** Inclusive. */
  start: Unit;
  end: Unit;
  step: number;
}

/** A value or a range. */
type LooseRange<Unit> = Unit | { start: Unit; end?: Unit | null; step?: number | null };
/** The accepted forms of a field; `*` is every value. */
type LooseField<Unit> = '*' | LooseRange<Unit> | LooseRange<Unit>[];

interface Unit<Value> {
  /** Position of a value in their order; null for an invalid one. */
  rank(given: unknown): number | null;
  value(rank: number): Value;
  /** The valid values, for a message. */
  described: string;
}

type Fault = (message: string) => void;

/**
 * The output has every range in full: the service reads a range without an end differently.
 * @param otherwise the default
 */
function fieldOf<Value>(unit: Unit<Value>, otherwise: CalendarRange<Value>[], all: CalendarRange<Value>[]) {
  return z
    .custom<LooseField<Value>>()
    .nullish()
    .transform((given: unknown, context): CalendarRange<Value>[] => {
      if (given === undefined || given === null) return otherwise;
      if (given === '*') return all;
      const list = Array.isArray(given) ? (given as unknown[]) : [given];
      const fault: Fault = (message) => context.addIssue({ code: 'custom', message });
      if (list.length > MOST_RANGES) fault(`more than ${MOST_RANGES} ranges`);
      return list.slice(0, MOST_RANGES).flatMap((range) => toRange(unit, range, fault));
    });
}

function toRange<Value>(unit: Unit<Value>, given: unknown, fault: Fault): CalendarRange<Value>[] {
  const { start, end, step } = toParts(given);
  const [first, last] = [unit.rank(start), unit.rank(end)];
  if (first === null || last === null) {
    fault(`${JSON.stringify(first === null ? start : end)} is not within ${unit.described}`);
  } else if (last < first) fault(`${JSON.stringify(given)} ends before it begins`);
  else if (typeof step !== 'number' || !Number.isInteger(step) || step < 1 || step > 1_000) {
    fault(`${JSON.stringify(step)} is no step`);
  } else return [{ start: unit.value(first), end: unit.value(last), step }];
  return [];
}

function toParts(given: unknown): { start: unknown; end: unknown; step: unknown } {
  if (typeof given !== 'object' || given === null) return { start: given, end: given, step: 1 };
  const { start, end, step } = given as Record<string, unknown>;
  return { start: start ?? null, end: end ?? start ?? null, step: step ?? 1 };
}

function wholeNumbers(min: number, max: number): Unit<number> {
  return {
    rank: (given) =>
      typeof given === 'number' && Number.isInteger(given) && given >= min && given <= max ? given : null,
    value: (rank) => rank,
    described: `${min} to ${max}`,
  };
}

function numbers(min: number, max: number, otherwise: 'first' | 'all') {
  const all = [{ start: min, end: max, step: 1 }];
  return fieldOf(wholeNumbers(min, max), otherwise === 'all' ? all : [{ start: min, end: min, step: 1 }], all);
}

function names<Name extends string>(known: readonly Name[], first: Name, last: Name) {
  const all = [{ start: first, end: last, step: 1 }];
  const unit: Unit<Name> = {
    rank(given) {
      const index = typeof given === 'string' ? known.findIndex((name) => name === given.toUpperCase()) : -1;
      return index < 0 ? null : index;
    },
    value: (rank) => known[rank] ?? first,
    described: `${first} to ${last}`,
  };
  return fieldOf(unit, all, all);
}

/** Times that match every field. Default: 0 for second, minute and hour, and every day. */
export const CalendarSchema = z.strictObject({
  second: numbers(0, 59, 'first'),
  minute: numbers(0, 59, 'first'),
  hour: numbers(0, 23, 'first'),
  dayOfMonth: numbers(1, 31, 'all'),
  month: names(MONTHS, 'JANUARY', 'DECEMBER'),
  /** Default: every year. */
  year: fieldOf(wholeNumbers(2000, 2100), [], []),
  dayOfWeek: names(DAYS, 'SUNDAY', 'SATURDAY'),
  /** A remark for people. */
  comment: z
    .string()
    .max(100)
    .nullish()
    .transform((text) => text ?? ''),
});
export type Calendar = z.infer<typeof CalendarSchema>;
/** The accepted forms. */
export type LooseCalendar = z.input<typeof CalendarSchema>;
