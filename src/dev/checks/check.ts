import type { Environment } from '../temporal-service/obtain/program.ts';

/** `warning`: it works with limits. `missing`: something does not work without it. */
export type CheckStatus = 'ok' | 'warning' | 'missing';

/** One line of `bobbin doctor`. Contains no secret. */
export interface Check {
  name: string;
  status: CheckStatus;
  found: string;
  need: string;
  /** What to do; empty if nothing. */
  howTo: string;
}

/** The result of a check. `howTo` is omitted if there is nothing to do. */
export type Finding = { status: 'ok'; found: string } | { status: 'warning' | 'missing'; found: string; howTo: string };

export interface CheckContext {
  env: Environment;
  dataDirectory: string;
  cacheDirectory: string;
  signal: AbortSignal;
}

/** One check. It changes nothing, and ends when the signal fires. */
export interface Probe {
  name: string;
  need: string;
  look: (context: CheckContext) => Promise<Finding>;
}
