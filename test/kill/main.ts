/** The kill test as a command: `node test/kill/main.ts [--rounds N] [--seed N] [--kills N]`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { toSummary } from './report.ts';
import { runKillTest } from './rounds.ts';

const { values } = parseArgs({
  options: { rounds: { type: 'string' }, seed: { type: 'string' }, kills: { type: 'string' } },
});
const rounds = wholeNumber('rounds', 30);
const seed = wholeNumber('seed', Math.floor(Math.random() * 1_000_000));
const mostKills = wholeNumber('kills', 2);

function wholeNumber(name: keyof typeof values, fallback: number): number {
  const given = values[name];
  if (given === undefined) return fallback;
  if (/^[1-9]\d{0,8}$/.test(given)) return Number(given);
  throw new Error(`--${name} must be a whole number from 1 on, not ${given}`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

// What was started ends with this process, however it is ended.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

say(`Kill test. The same again: node test/kill/main.ts --rounds ${rounds} --seed ${seed} --kills ${mostKills}`);
const report = await runKillTest({ rounds, seed, mostKills, onProgress: say });

const folder = fileURLToPath(new URL('reports/', import.meta.url));
mkdirSync(folder, { recursive: true });
const file = `${folder}${report.startedAt.replaceAll(':', '-').slice(0, 19)}-seed-${seed}.json`;
writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
say(`\n${toSummary(report)}\nReport: ${file}`);
process.exitCode = report.rounds.some((round) => round.violations.length > 0) ? 1 : 0;
