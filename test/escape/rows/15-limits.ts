import { statSync } from 'node:fs';
import { join } from 'node:path';
import { NO_LIMITS, type CommandLimits } from '../../../src/adapters/shell/processes/limits.ts';
import type { SandboxMode } from '../../../activities/ports.ts';
import { type EscapeRow, heldUnless } from '../row.ts';
import { createAttacker } from '../sandboxed.ts';

interface Excess {
  tried: string;
  limits: Partial<CommandLimits>;
  command: string;
  limit: string;
  /** Whether it may go on after the limit has held it back. */
  goesOn?: boolean;
}

/** Numbers of system calls. */
const [MMAP, READ] = process.arch === 'arm64' ? [222, 63] : [9, 0];

/** All with small bounds, so that the machine that runs this does not notice. */
const EXCESSES: Excess[] = [
  {
    tried: 'a command starts more processes than its limit',
    limits: { processes: 30 },
    command: 'for i in $(seq 60); do sleep 20 & done; wait',
    limit: 'processes',
    goesOn: true,
  },
  {
    tried: 'a command starts more threads than its limit, in few processes',
    limits: { processes: 30 },
    command: `for i in 1 2 3 4 5; do '${process.execPath}' -e 'setTimeout(() => {}, 20000)' || echo refused & done; wait`,
    limit: 'processes',
    goesOn: true,
  },
  {
    tried: 'a command takes more memory than its limit, in several processes',
    limits: { memoryMb: 60 },
    command: `for i in 1 2 3; do perl -e '$x = "a" x (40 << 20); sleep 20' & done; wait`,
    limit: 'memoryMb',
  },
  {
    tried: 'a command takes more memory than its limit, in a part that its processes share',
    limits: { memoryMb: 60 },
    command: `perl -e 'my $at = syscall(${MMAP}, 0, 120 << 20, 3, 0x21, -1, 0); open my $z, "<", "/dev/zero"; syscall(${READ}, fileno($z), $at, 120 << 20); sleep 20'`,
    limit: 'memoryMb',
  },
  {
    tried: 'a command writes a file of more than its limit',
    limits: { fileMb: 2 },
    command: 'head -c 5000000 /dev/zero > big',
    limit: 'fileMb',
  },
  {
    tried: 'a command uses more processor time than its limit, in one process after the other',
    limits: { cpuS: 1 },
    command: 'while :; do timeout 0.4 sh -c "while :; do :; done"; done',
    limit: 'cpuS',
  },
  {
    tried: 'a command writes more output than its limit',
    limits: { outputMb: 1 },
    command: 'yes',
    limit: 'outputMb',
  },
];

const MODES: SandboxMode[] = ['workspace-write', 'danger-full-access'];

const excesses: EscapeRow[] = EXCESSES.map(({ tried, limits, command, limit, goesOn = false }) => ({
  row: 15,
  tried,
  heldBy:
    'limits of the kernel, and a watch in the worker that ends the command; the report and the output name the limit',
  async attack(place) {
    for (const mode of MODES) {
      const attacker = createAttacker(place, [], undefined, { ...NO_LIMITS, ...limits });
      const { output, limit: said, outcome, durationMs } = await attacker.run(command, mode);
      if (goesOn && /fork: |Resource temporarily unavailable|refused/.test(output)) continue;
      if (said === limit && output.includes('Ended by Bobbin')) continue;
      return heldUnless(`${mode}: ${outcome} after ${durationMs} ms by ${String(said)}: ${output.slice(0, 300)}`);
    }
    const big = statSync(join(place.root, 'workspace', 'big'), { throwIfNoEntry: false });
    return heldUnless(big !== undefined && big.size > 2 * 1024 * 1024 && `${big.size} bytes were written`);
  },
}));

export const rows: EscapeRow[] = [
  ...excesses,
  {
    row: 15,
    tried: 'a command writes files to folders that the sandbox keeps in memory',
    heldBy: 'they are mounted again to be read only once all that they hold is there',
    async attack(place) {
      // Of several mounts on one folder the last one counts, so the folder itself is asked.
      const { output } = await createAttacker(place).run(
        `while read -r _ at _; do [ "$(stat -f -c %T "$at")" = tmpfs ] && : 2>/dev/null > "$at/x" && echo "$at"; done < /proc/mounts`,
      );
      return heldUnless(output.includes('/') && `files can be written to memory in ${output}`);
    },
  },
];
