import type { Environment } from '../temporal-service/obtain/program.ts';

/** `warning`: it works, with less; `missing`: something will not work until it is there. */
export type CheckStatus = 'ok' | 'warning' | 'missing';

/** One line of what `bobbin doctor` prints. Holds no secret. */
export interface Check {
  name: string;
  status: CheckStatus;
  found: string;
  need: string;
  /** What to do; empty where all is well. */
  howTo: string;
}

/** What a check answers besides its name and need; `howTo` is left out where all is well. */
export type Finding = { status: 'ok'; found: string } | { status: 'warning' | 'missing'; found: string; howTo: string };

export interface CheckContext {
  env: Environment;
  dataDirectory: string;
  cacheDirectory: string;
  signal: AbortSignal;
}

/** One thing to look at. Changes nothing, and ends when the signal fires. */
export interface Probe {
  name: string;
  need: string;
  look: (context: CheckContext) => Promise<Finding>;
}
