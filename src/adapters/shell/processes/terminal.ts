/**
 * A terminal for a command that asks for one: a small program, in the sandbox of the command if there is one, that makes a
 * pseudo terminal, starts the command as the leader of a session on it, and copies between the terminal and its own
 * standard input and output. So ^C reaches the foreground job only, as on any terminal. It ends with the command, or when
 * no process has the terminal open any longer; the end of its own input ends nothing.
 *
 * Lines end with `\n` alone. A program may set the size of the window (`stty rows 50 cols 200`).
 */
import { findProgram } from '../../programs.ts';

const ROWS = 24;
const COLUMNS = 120;

/** Numbers of ioctl requests and flags that Perl does not know; they are the same on all platforms that are named here. */
const LINUX = { unlock: 0x40045431, number: 0x80045430, setSize: 0x5414, control: 0x540e, noControl: 0o400, crlf: 4 };

const PERL = `
use POSIX ();
my @command = @ARGV;
sub fail { print STDERR "no terminal could be made: $!\\n"; exit 125 }
sysopen(my $main, '/dev/ptmx', 2 | ${LINUX.noControl}) or fail;
my $number = pack('i', 0);
ioctl($main, ${LINUX.unlock}, $number) or fail;
ioctl($main, ${LINUX.number}, $number) or fail;
my $path = '/dev/pts/' . unpack('i', $number);
my $size = pack('S4', ${ROWS}, ${COLUMNS}, 0, 0);
ioctl($main, ${LINUX.setSize}, $size) or fail;
sysopen(my $side, $path, 2 | ${LINUX.noControl}) or fail;
my $modes = POSIX::Termios->new;
$modes->getattr(fileno $side);
$modes->setoflag($modes->getoflag & ~${LINUX.crlf});
$modes->setattr(fileno $side, POSIX::TCSANOW());
$SIG{$_} = 'IGNORE' for qw(INT HUP PIPE);
pipe(my $ready, my $begun) or fail;
my $pid = fork // fail;
if ($pid == 0) {
  $SIG{$_} = 'DEFAULT' for qw(INT HUP PIPE);
  POSIX::setsid();
  ioctl($side, ${LINUX.control}, 0) or fail;
  POSIX::dup2(fileno $side, $_) for 0 .. 2;
  POSIX::close(fileno $_) for $main, $side;
  exec { $command[0] } @command or POSIX::_exit(127);
}
close $side;
# It is closed when the command begins: ^C would reach nobody before.
close $begun;
sysread($ready, my $nothing, 1);
fcntl_nonblocking($main);
sub fcntl_nonblocking { fcntl($_[0], 4, fcntl($_[0], 3, 0) | 2048) or fail }
my ($waiting, $reads, $status) = ('', 1, undef);
while (1) {
  $status = $? if !defined $status && waitpid($pid, POSIX::WNOHANG()) == $pid;
  my ($in, $out) = ('', '');
  vec($in, fileno $main, 1) = 1;
  vec($in, 0, 1) = 1 if $reads && $waiting eq '';
  vec($out, fileno $main, 1) = 1 if $waiting ne '';
  next if select($in, $out, undef, defined $status ? 0 : 0.1) < 0;
  last if defined $status && !vec($in, fileno $main, 1);
  if (vec($in, fileno $main, 1)) {
    my $got = sysread($main, my $text, 65536);
    last if !$got && !$!{EAGAIN} && !$!{EINTR};
    for (my $at = 0; $got && $at < $got;) { $at += syswrite(STDOUT, $text, $got - $at, $at) // last }
  }
  if (vec($in, 0, 1)) { $reads = 0 if !sysread(STDIN, $waiting, 4096) }
  if ($waiting ne '' && vec($out, fileno $main, 1)) {
    my $sent = syswrite($main, $waiting) // 0;
    substr($waiting, 0, $sent) = '';
  }
}
if (!defined $status) { waitpid($pid, 0); $status = $? }
my $signal = $status & 127;
if ($signal) { $SIG{$_} = 'DEFAULT' for qw(INT HUP PIPE); kill $signal, $$ }
exit($signal ? 128 + $signal : $status >> 8);
`;

const PYTHON = `
import errno, fcntl, os, pty, select, signal, struct, sys, termios
command = sys.argv[1:]
main, side = os.openpty()
fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack('HHHH', ${ROWS}, ${COLUMNS}, 0, 0))
modes = termios.tcgetattr(side)
modes[1] &= ~termios.ONLCR
termios.tcsetattr(side, termios.TCSANOW, modes)
signals = (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE)
for s in signals: signal.signal(s, signal.SIG_IGN)
ready, begun = os.pipe()
pid = os.fork()
if pid == 0:
  for s in signals + (signal.SIGXFSZ,): signal.signal(s, signal.SIG_DFL)
  os.setsid()
  fcntl.ioctl(side, termios.TIOCSCTTY, 0)
  for fd in range(3): os.dup2(side, fd)
  os.close(main)
  if side > 2: os.close(side)
  try: os.execv(command[0], command)
  finally: os._exit(127)
os.close(side)
os.close(begun)
os.read(ready, 1)
os.set_blocking(main, False)
waiting, reads, status = b'', True, None
def write(fd, text):
  while text: text = text[os.write(fd, text):]
while True:
  if status is None:
    ended, how = os.waitpid(pid, os.WNOHANG)
    if ended == pid: status = how
  watched = [main] + ([0] if reads and not waiting else [])
  ready, free, _ = select.select(watched, [main] if waiting else [], [], 0.1 if status is None else 0)
  if status is not None and main not in ready: break
  if main in ready:
    try: text = os.read(main, 65536)
    except BlockingIOError: text = None
    except OSError: text = b''
    if text == b'': break
    if text:
      try: write(1, text)
      except OSError: pass
  if 0 in ready:
    waiting = os.read(0, 4096)
    reads = waiting != b''
  if waiting and main in free:
    try: waiting = waiting[os.write(main, waiting):]
    except OSError: pass
if status is None: status = os.waitpid(pid, 0)[1]
if os.WIFSIGNALED(status):
  for s in signals: signal.signal(s, signal.SIG_DFL)
  os.kill(os.getpid(), os.WTERMSIG(status))
  os._exit(128 + os.WTERMSIG(status))
os._exit(os.WEXITSTATUS(status))
`;

/** The arguments before a command that give it a terminal; undefined if this machine has neither Perl nor Python. */
export function findTerminal(workspace: string): string[] | undefined {
  const perl = process.platform === 'linux' && isKnown(process.arch) ? findProgram('perl', [workspace]) : undefined;
  if (perl !== undefined) return [perl, '-e', PERL, '--'];
  const python = findProgram('python3', [workspace]);
  return python === undefined ? undefined : [python, '-I', '-S', '-c', PYTHON];
}

function isKnown(arch: NodeJS.Architecture): boolean {
  return arch === 'x64' || arch === 'arm64';
}
