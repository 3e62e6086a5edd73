/** What a round of the kill test will do, decided by its seed alone. */
import { type Random, createRandom } from './random.ts';

/** `oneOfTwo`: one of two workers, chosen by chance, while the other one stays up. */
export const VICTIMS = ['worker', 'service', 'both', 'oneOfTwo'] as const;
export type Victim = (typeof VICTIMS)[number];

export interface PlannedKill {
  victim: Victim;
  /** The kill comes `delayMs` after this command of the turn has begun; they count from 1. */
  afterStep: number;
  delayMs: number;
  /** How long the victim stays down before it is started again. */
  downMs: number;
  /** For `oneOfTwo`: which of the two. */
  which: 0 | 1;
}

export interface RoundPlan {
  round: number;
  /** Without a sandbox, a command outlives the worker that ran it until somebody ends it. */
  sandbox: 'workspace-write' | 'danger-full-access';
  /** Length of a run's history from which on the thread continues as new. */
  continueAfterEvents: number;
  /** One command line each; the Nth writes the line `step-N` to the file `log`. */
  commands: string[];
  kills: PlannedKill[];
  /** Turns that are submitted while the victim of the first kill is down. */
  shortTurns: number;
}

export const STEPS = 20;

export function planRounds(options: { rounds: number; seed: number; mostKills: number }): RoundPlan[] {
  const random = createRandom(options.seed);
  return Array.from({ length: options.rounds }, (_, index) => planRound(random, index + 1, options.mostKills));
}

function planRound(random: Random, round: number, mostKills: number): RoundPlan {
  const first = VICTIMS[(round - 1) % VICTIMS.length] ?? 'worker';
  const count = random.between(1, mostKills);
  const span = Math.floor((STEPS - 2) / count);
  return {
    round,
    sandbox: random.pick(['workspace-write', 'danger-full-access']),
    continueAfterEvents: random.pick([80, 2_000]),
    commands: Array.from({ length: STEPS }, (_, step) => toCommand(random, step + 1)),
    kills: Array.from({ length: count }, (_, number) => ({
      victim: number === 0 ? first : random.pick(VICTIMS),
      afterStep: random.between(number * span + 1, (number + 1) * span),
      delayMs: random.between(0, 400),
      downMs: random.between(0, 1_500),
      which: random.pick([0, 1]),
    })),
    shortTurns: random.between(1, 4),
  };
}

/** Some time passes before the line is written and after it, so that a kill meets either. */
function toCommand(random: Random, step: number): string {
  const before = random.between(0, 15) / 100;
  const after = random.between(0, 15) / 100;
  return `sleep ${before}; echo step-${step} >> log; sleep ${after}`;
}
