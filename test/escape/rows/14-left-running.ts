import { randomInt } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CommandReport } from '../../../activities/ports.ts';
import { readStartTime } from '../../../src/adapters/shell/processes/process-table.ts';
import { type EscapeRow, heldUnless, type Outcome } from '../row.ts';
import { type Attacker, createAttacker } from '../sandboxed.ts';

const heldBy =
  'a reaper waits for all descendants and ends after the last one; where there is none, or it was killed, `gone` is false';

/** Distinguishes the process from those of other programs. */
const SECONDS = `300.${randomInt(1e9)}`;

/** Leaves session, group, parent and environment behind. The file has its process id. */
const HIDE =
  `(env -i /usr/bin/setsid /bin/sh -c '(trap "" TERM HUP; echo $$ > hidden.new; mv hidden.new hidden; exec sleep ${SECONDS}) &' ` +
  '> /dev/null 2>&1 < /dev/null &); until [ -s hidden ]; do sleep 0.02; done; echo ready';

/** `$$` of a subshell is that of its parent, so the process is looked for by what it runs. */
const FIND = `${HIDE}; for p in /proc/[0-9]*; do [ "$(cat $p/comm 2>/dev/null)" = sleep ] && grep -q ${SECONDS} $p/cmdline && echo \${p#/proc/}; done > pids`;

function judge(attacker: Attacker, report: CommandReport): Outcome {
  const file = join(attacker.workspace, 'pids');
  const pids = existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean).map(Number) : [];
  if (pids.length === 0) return { type: 'broken', what: `nothing was hidden: ${report.output}` };
  const left = pids.filter((pid) => readStartTime(pid) !== undefined);
  for (const pid of left) process.kill(pid, 'SIGKILL');
  return heldUnless(
    left.length > 0 && report.gone && `${left.length} processes outlived a command that was called gone`,
  );
}

export const rows: EscapeRow[] = [
  {
    row: 14,
    tried:
      'a command with full access leaves a process behind that has no session, parent or variable of it (`env -i setsid`)',
    heldBy,
    async attack(place) {
      const attacker = createAttacker(place);
      return judge(attacker, await attacker.run(FIND, 'danger-full-access'));
    },
  },
  {
    row: 14,
    tried: 'it kills the process that would find what it leaves behind, first',
    heldBy,
    async attack(place) {
      const attacker = createAttacker(place);
      return judge(attacker, await attacker.run(`${FIND}; kill -9 $PPID; sleep 1`, 'danger-full-access'));
    },
  },
];
