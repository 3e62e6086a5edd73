/**
 * The first process of a command that has no sandbox, and so no process namespace: a small program that all descendants of
 * the command fall to when their parent ends (`PR_SET_CHILD_SUBREAPER`), whatever they did to their session, group and
 * environment. It ends when none is left, which is the proof. Nothing else of the command changes, `sudo` included.
 *
 * It writes the wait status of the command to descriptor 3 as soon as that is known, and ends after the last descendant.
 */
import { findProgram } from '../../programs.ts';
import { REAPER_MARKER } from './process-table.ts';

export const STATUS_FD = 3;

/** Number of the system call prctl. */
const PRCTL: Partial<Record<NodeJS.Architecture, number>> = { x64: 157, arm64: 167 };
const PR_SET_CHILD_SUBREAPER = 36;

const PERL = `
my ($prctl, @command) = @ARGV;
exit 125 if syscall($prctl, ${PR_SET_CHILD_SUBREAPER}, 1, 0, 0, 0) != 0;
open(my $report, '>&=', ${STATUS_FD}) or exit 125;
$SIG{$_} = 'IGNORE' for qw(TERM INT HUP PIPE);
my $pid = fork // exit 125;
if ($pid == 0) {
  $SIG{$_} = 'DEFAULT' for qw(TERM INT HUP PIPE);
  close $report;
  delete $ENV{${REAPER_MARKER}};
  exec { $command[0] } @command or exit 127;
}
while ((my $ended = wait) > 0) {
  next if $ended != $pid;
  syswrite $report, "$?\\n";
  close $report;
}`;

const PYTHON = `
import ctypes, os, signal, sys
prctl, command = int(sys.argv[1]), sys.argv[2:]
if ctypes.CDLL(None).syscall(prctl, ${PR_SET_CHILD_SUBREAPER}, 1, 0, 0, 0) != 0: sys.exit(125)
signals = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE)
for s in signals: signal.signal(s, signal.SIG_IGN)
pid = os.fork()
if pid == 0:
  for s in signals + (signal.SIGXFSZ,): signal.signal(s, signal.SIG_DFL)
  os.close(${STATUS_FD})
  os.environ.pop('${REAPER_MARKER}', None)
  try: os.execv(command[0], command)
  finally: os._exit(127)
while True:
  try: ended, status = os.wait()
  except ChildProcessError: break
  if ended == pid:
    try: os.write(${STATUS_FD}, b'%d\\n' % status)
    except OSError: pass
    os.close(${STATUS_FD})
`;

/**
 * The arguments before a command that make a reaper start it; undefined if this machine has neither Perl nor Python, or
 * does not support reapers.
 */
export function findReaper(workspace: string): string[] | undefined {
  const prctl = process.platform === 'linux' ? PRCTL[process.arch] : undefined;
  if (prctl === undefined) return undefined;
  const perl = findProgram('perl', [workspace]);
  if (perl !== undefined) return [perl, '-e', PERL, '--', String(prctl)];
  const python = findProgram('python3', [workspace]);
  return python === undefined ? undefined : [python, '-I', '-S', '-c', PYTHON, String(prctl)];
}
