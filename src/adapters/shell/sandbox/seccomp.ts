/**
 * A filter of system calls for the sandbox, as a classic BPF program. It blocks calls that no build or test needs and
 * that namespaces do not contain: sockets other than Unix, internet and netlink (a virtual machine's host listens on
 * AF_VSOCK), the keys of the session, input into a terminal, io_uring (which would bypass this filter), parts of the
 * kernel that load programs into it, and files that run as the user of the worker for anyone who starts them (set-user-id,
 * set-group-id).
 */

interface Architecture {
  audit: number;
  socket: number;
  ioctl: number;
  /** Refused whatever their arguments are. */
  refused: number[];
  /** Reported as missing, as on an older kernel: its arguments are in memory, which a filter cannot read. */
  openat2: number;
  /** Calls that set the mode of a file, each with the number of that argument. */
  modes: [call: number, mode: number][];
  /** Calls that set it if their flags say that they make the file. */
  opens: [call: number, flags: number, mode: number][];
}

const ARCHITECTURES: Partial<Record<NodeJS.Architecture, Architecture>> = {
  // add_key, request_key, keyctl, perf_event_open, bpf, userfaultfd, io_uring_setup, io_uring_enter, io_uring_register
  x64: {
    ...{ audit: 0xc000003e, socket: 41, ioctl: 16, openat2: 437 },
    refused: [248, 249, 250, 298, 321, 323, 425, 426, 427],
    // chmod, fchmod, creat, mknod; fchmodat, fchmodat2, mknodat; open, openat
    modes: [...[90, 91, 85, 133].map(second), ...[268, 452, 259].map(third)],
    opens: [
      [2, 1, 2],
      [257, 2, 3],
    ],
  },
  arm64: {
    ...{ audit: 0xc00000b7, socket: 198, ioctl: 29, openat2: 437 },
    refused: [217, 218, 219, 241, 280, 282, 425, 426, 427],
    // fchmod, fchmodat, fchmodat2, mknodat; openat
    modes: [second(52), ...[53, 452, 33].map(third)],
    opens: [[56, 2, 3]],
  },
};

function second(call: number): [number, number] {
  return [call, 1];
}

function third(call: number): [number, number] {
  return [call, 2];
}

const SET_ID_BITS = 0o6000;
/** O_CREAT and __O_TMPFILE; without them the register with the mode has any value. */
const MAKES_FILE = 0x400040;

const FAMILIES = { unix: 1, inet: 2, inet6: 10, netlink: 16 };
/** TIOCSTI, TIOCLINUX: characters that look typed. */
const TERMINAL_INPUT = [0x5412, 0x541c];
/** Calls of the x32 ABI have this bit. */
const X32 = 0x40000000;

const LOAD = 0x20;
const EQUAL = 0x15;
const AT_LEAST = 0x35;
const HAS_ANY_BIT = 0x45;
const RETURN = 0x06;
const ALLOW = 0x7fff0000;
const refuse = (errno: number): number => 0x00050000 | errno;
const EPERM = refuse(1);
const ENOSYS = refuse(38);
const EAFNOSUPPORT = refuse(97);
/** Offsets in `struct seccomp_data`. */
const NUMBER = 0;
const AUDIT = 4;
const argument = (index: number): number => 16 + 8 * index;

type Step = [code: number, whenTrue: number, whenFalse: number, value: number];

/** Undefined on an architecture whose numbers are not known. */
export function buildSeccompFilter(architecture: NodeJS.Architecture = process.arch): Buffer | undefined {
  const known = ARCHITECTURES[architecture];
  if (known === undefined) return undefined;
  const steps: Step[] = [
    [LOAD, 0, 0, AUDIT],
    ...returnUnless(EQUAL, known.audit, ENOSYS),
    [LOAD, 0, 0, NUMBER],
    ...returnIf(AT_LEAST, X32, ENOSYS),
    ...known.refused.flatMap((number) => returnIf(EQUAL, number, EPERM)),
    ...returnIf(EQUAL, known.openat2, ENOSYS),
    ...known.modes.flatMap(([call, mode]) =>
      whenCall(call, [
        [LOAD, 0, 0, argument(mode)],
        ...returnIf(HAS_ANY_BIT, SET_ID_BITS, EPERM),
        [RETURN, 0, 0, ALLOW],
      ]),
    ),
    ...known.opens.flatMap(([call, flags, mode]) =>
      whenCall(call, [
        [LOAD, 0, 0, argument(flags)],
        ...returnUnless(HAS_ANY_BIT, MAKES_FILE, ALLOW),
        [LOAD, 0, 0, argument(mode)],
        ...returnIf(HAS_ANY_BIT, SET_ID_BITS, EPERM),
        [RETURN, 0, 0, ALLOW],
      ]),
    ),
    ...whenCall(known.socket, [
      [LOAD, 0, 0, argument(0)],
      ...Object.values(FAMILIES).flatMap((family) => returnIf(EQUAL, family, ALLOW)),
      [RETURN, 0, 0, EAFNOSUPPORT],
    ]),
    ...whenCall(known.ioctl, [
      [LOAD, 0, 0, argument(1)],
      ...TERMINAL_INPUT.flatMap((request) => returnIf(EQUAL, request, EPERM)),
      [RETURN, 0, 0, ALLOW],
    ]),
    [RETURN, 0, 0, ALLOW],
  ];
  return Buffer.concat(steps.map(toInstruction));
}

function returnIf(comparison: number, value: number, answer: number): Step[] {
  return [
    [comparison, 0, 1, value],
    [RETURN, 0, 0, answer],
  ];
}

function returnUnless(comparison: number, value: number, answer: number): Step[] {
  return [
    [comparison, 1, 0, value],
    [RETURN, 0, 0, answer],
  ];
}

/** The steps for one call, which answer it; every other call continues after them. */
function whenCall(number: number, steps: Step[]): Step[] {
  return [[EQUAL, 0, steps.length, number], ...steps];
}

/** `struct sock_filter`, in the byte order of both architectures. */
function toInstruction([code, whenTrue, whenFalse, value]: Step): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(code, 0);
  bytes.writeUInt8(whenTrue, 2);
  bytes.writeUInt8(whenFalse, 3);
  bytes.writeUInt32LE(value >>> 0, 4);
  return bytes;
}
