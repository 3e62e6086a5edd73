/** The kill test as a command: `node test/kill/main.ts [--rounds N] [--seed N] [--kills N]`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { toSummary } from './report.ts';
import { runKillTest } from './rounds.ts';

const { values } = parseArgs({
  options: { rounds: { type: 'string' }, seed: { type: 'string' }, kills: { type: 'string' } },
});
const rounds = Number(values.rounds ?? 30);
const seed = Number(values.seed ?? Math.floor(Math.random() * 1_000_000));
const mostKills = Number(values.kills ?? 2);
const say = (line: string) => process.stdout.write(`${line}\n`);

say(
  `Kill test: ${rounds} rounds, seed ${seed}. The same again: node test/kill/main.ts --rounds ${rounds} --seed ${seed}`,
);
const report = await runKillTest({ rounds, seed, mostKills, onProgress: say });

const folder = fileURLToPath(new URL('reports/', import.meta.url));
mkdirSync(folder, { recursive: true });
const file = `${folder}${report.startedAt.replaceAll(':', '-').slice(0, 19)}-seed-${seed}.json`;
writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
say(`\n${toSummary(report)}\nReport: ${file}`);
process.exitCode = report.rounds.some((round) => round.violations.length > 0) ? 1 : 0;
