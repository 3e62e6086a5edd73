/** Points in time, in the time zone of the person. */

const AGE = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'short' });
const UNITS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
] as const;

/** `5 min. ago`, `in 3 hr.`, `just now`. */
function toDistance(at: number): string {
  const ms = at - Date.now();
  const found = UNITS.find(([, size]) => Math.abs(ms) >= size);
  if (found === undefined) return ms > 0 ? 'in a moment' : 'just now';
  const [unit, size] = found;
  return AGE.format(Math.trunc(ms / size), unit);
}

/** @param at milliseconds since the epoch */
export function Age({ at }: { at: number }) {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return <>at an unknown time</>;
  return (
    <time dateTime={date.toISOString()} title={date.toLocaleString()}>
      {toDistance(at)}
    </time>
  );
}

export function Moment({ at }: { at: number }) {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return <>at an unknown time</>;
  return (
    <time dateTime={date.toISOString()}>
      {date.toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' })}
    </time>
  );
}
