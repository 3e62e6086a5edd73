/** What a run of the kill test found, as it is kept. */
import type { RoundPlan, Victim } from './plan.ts';

export interface KillReport {
  seed: number;
  startedAt: string;
  durationMs: number;
  node: string;
  serverVersion: string;
  rounds: RoundReport[];
}

export interface RoundReport {
  plan: RoundPlan;
  kills: KillRecord[];
  turns: TurnRecord[];
  /** Command lines whose items ended `lost`, and whether their line had been written. */
  lost: { line: string; written: boolean }[];
  linesWritten: number;
  events: number;
  /** Runs of the workflow. */
  runs: number;
  agentTasks: { registered: number; unused: number };
  durationMs: number;
  /** Empty when all went as it must. */
  violations: string[];
}

export interface KillRecord {
  victim: Victim;
  /** ISO 8601. */
  at: string;
  /** What was under way. */
  during: string;
  /** Until everything was up again. 0 if another worker was up all the time. */
  upAfterMs: number;
  /** Until the turn's next event was recorded. */
  continuesAfterMs: number | null;
}

export interface TurnRecord {
  turnId: string;
  /** How often it was submitted until that was acknowledged. */
  submissions: number;
  status: string;
  durationMs: number;
}

/** @param fraction 0.5 for the median, 1 for the largest. */
export function quantile(values: readonly number[], fraction: number): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(fraction * sorted.length))];
}

/** One line per kind of kill, and one for the whole. */
export function toSummary(report: KillReport): string {
  const kills = report.rounds.flatMap((round) => round.kills);
  const victims = [...new Set(kills.map(({ victim }) => victim))];
  const rows = victims.map((victim) => {
    const ours = kills.filter((kill) => kill.victim === victim);
    const up = ours.map(({ upAfterMs }) => upAfterMs);
    const on = ours.flatMap(({ continuesAfterMs }) => (continuesAfterMs === null ? [] : [continuesAfterMs]));
    return `| ${victim} | ${ours.length} | ${spread(up)} | ${spread(on)} |`;
  });
  const lost = report.rounds.flatMap((round) => round.lost);
  const written = lost.filter((each) => each.written).length;
  const violations = report.rounds.flatMap((round) => round.violations);
  return [
    '| killed | times | up again after, s (median / max) | turn continues after, s (median / max) |',
    '|---|---|---|---|',
    ...rows,
    '',
    `${report.rounds.length} rounds, ${kills.length} kills, seed ${report.seed}: ` +
      `${report.rounds.flatMap((round) => round.turns).length} turns answered, ${lost.length} commands lost ` +
      `(${written} of them after their line was written), ${violations.length} violations.`,
  ].join('\n');
}

function spread(values: readonly number[]): string {
  const seconds = (ms: number | undefined) => (ms === undefined ? '–' : (ms / 1000).toFixed(1));
  return `${seconds(quantile(values, 0.5))} / ${seconds(quantile(values, 1))}`;
}
