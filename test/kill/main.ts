/** The kill test as a command: `node test/kill/main.ts [--only rounds|kinds] [--rounds N] [--seed N] [--kills N] [--kind NAME]`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openFixture } from './fixture.ts';
import { KIND_SCENARIOS } from './kind-scenarios.ts';
import { type KindResult, killAtEachBoundary } from './kinds.ts';
import { toSummary } from './report.ts';
import { runKillTest } from './rounds.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string' },
    seed: { type: 'string' },
    kills: { type: 'string' },
    kind: { type: 'string' },
  },
});
const rounds = wholeNumber('rounds', 30);
const seed = wholeNumber('seed', Math.floor(Math.random() * 1_000_000));
const mostKills = wholeNumber('kills', 2);

function wholeNumber(name: 'rounds' | 'seed' | 'kills', fallback: number): number {
  const given = values[name];
  if (given === undefined) return fallback;
  if (/^[1-9]\d{0,8}$/.test(given)) return Number(given);
  throw new Error(`--${name} must be a whole number from 1 on, not ${given}`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function keep(name: string, startedAt: string, report: unknown): void {
  const folder = fileURLToPath(new URL('reports/', import.meta.url));
  mkdirSync(folder, { recursive: true });
  const file = `${folder}${startedAt.replaceAll(':', '-').slice(0, 19)}-${name}.json`;
  writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
  say(`Report: ${file}`);
}

// What was started ends with this process, however it is ended.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

if (values.only !== 'kinds') {
  say(`Kill test. The same again: node test/kill/main.ts --rounds ${rounds} --seed ${seed} --kills ${mostKills}`);
  const report = await runKillTest({ rounds, seed, mostKills, onProgress: say });
  say(`\n${toSummary(report)}`);
  keep(`seed-${seed}`, report.startedAt, report);
  if (report.rounds.some((round) => round.violations.length > 0)) process.exitCode = 1;
}
if (values.only !== 'rounds') {
  const results = await killEveryKind();
  const wrong = results.filter(({ violations }) => violations.length > 0);
  say(
    `\n${results.length} boundaries of ${new Set(results.map(({ scenario }) => scenario)).size} kinds, ${wrong.length} with violations`,
  );
  keep('kinds', new Date().toISOString(), results);
  if (wrong.length > 0) process.exitCode = 1;
}

async function killEveryKind(): Promise<KindResult[]> {
  const chosen = KIND_SCENARIOS.filter(({ name }) => values.kind === undefined || values.kind === name);
  const fixture = await openFixture();
  const results: KindResult[] = [];
  try {
    for (const scenario of chosen) {
      for await (const result of killAtEachBoundary(fixture, scenario)) {
        results.push(result);
        say(
          `${result.scenario} after event ${result.boundary} (${result.event}): ${result.status}, ${result.durationMs} ms`,
        );
        for (const violation of result.violations) say(`  ! ${violation}`);
      }
    }
  } finally {
    await fixture.close();
  }
  return results;
}
