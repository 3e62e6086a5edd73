import { type EscapeRow, heldUnless } from '../row.ts';
import { createAttacker } from '../sandboxed.ts';

/** Opens for writing and writes nothing. What is not writable for anybody counts for nothing. */
const OPEN_ALL =
  'for file in /proc/sysrq-trigger /proc/mtrr /proc/irq/*/* /proc/sys/*/* /proc/sys/*/*/* /proc/acpi/* /proc/fs/*/* ' +
  '/proc/bus/*/*/* /proc/dynamic_debug/* /proc/scsi/* /proc/timer_stats ' +
  '/sys/kernel/* /sys/kernel/*/* /sys/power/* /sys/module/*/parameters/* /sys/fs/cgroup/*/*; do ' +
  '[ -f "$file" ] && (exec 3>>"$file") 2>/dev/null && echo "IN $file"; done; echo tried';

export const rows: EscapeRow[] = [
  {
    row: 11,
    tried: 'a command opens settings of the kernel for writing, as `/proc/sys/kernel/core_pattern`',
    heldBy: '/sys and what is writable of /proc are read-only mounts',
    async attack(place) {
      for (const mode of ['read-only', 'workspace-write'] as const) {
        const { output } = await createAttacker(place).run(OPEN_ALL, mode);
        if (!output.includes('tried')) return { type: 'broken', what: output };
        if (output.includes('IN ')) return heldUnless(output);
      }
      return heldUnless(false);
    },
  },
  {
    row: 11,
    tried:
      'a command mounts, unmounts or enters namespaces to get at what is hidden, as itself and in a user namespace',
    heldBy: 'no capability for mounts; mounts that come from outside stay locked together',
    async attack(place) {
      const { output } = await createAttacker(place).run(
        'for how in "" "unshare -Urm"; do for what in "mount -o remount,rw,bind /" "umount -l /run" "umount -l /tmp" ' +
          '"mount -o remount,rw,bind /proc/sys" "mount --bind / /mnt -o rw"; do ' +
          '$how $what 2>/dev/null && echo "IN $how $what"; done; done; ' +
          'unshare -Urm sh -c "umount -l /run; ls /run; mount -t proc proc /proc && echo x >> /proc/sys/kernel/hostname && echo IN proc" 2>/dev/null; true',
      );
      return heldUnless(output.includes('IN ') && output);
    },
  },
];
