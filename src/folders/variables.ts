/** Environment variables. */

/** Read at each call, so that a new key needs no restart. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Undefined if it is not set, or empty: many shells and compose files express "not set" by an empty variable. */
export function readVariable(env: Environment, name: string): string | undefined {
  const value = env[name]?.trim();
  return value === '' ? undefined : value;
}
