import { once } from 'node:events';
import { linkSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type EscapePlace, type EscapeRow, heldUnless, type Outcome } from '../row.ts';
import { type Attacker, createAttacker } from '../sandboxed.ts';

const heldBy =
  'sockets that anybody listens to are covered up, /run, /tmp and /var/tmp are private, and abstract ones need the network';

function knock(address: string): string {
  return node(`require('net').connect(${JSON.stringify(address)}).on('connect', () => { console.log('IN'); process.exit() })
    .on('error', (error) => console.log(error.code))`);
}

function node(script: string): string {
  return `'${process.execPath}' -e '${script.replaceAll("'", `'\\''`)}'`;
}

/** Servers outside, at each of these addresses, while the attacker runs. */
async function tryAll(
  attacker: Attacker,
  addresses: readonly string[],
  also: { names: readonly string[]; make: () => void } = { names: [], make: () => undefined },
): Promise<Outcome> {
  const reached: string[] = [];
  const servers = await Promise.all(
    addresses.map(async (address) => {
      const server = createServer((socket) => {
        reached.push(address);
        socket.on('error', () => undefined).end();
      }).listen(address);
      await once(server, 'listening');
      return server;
    }),
  );
  try {
    also.make();
    const tries = [...addresses, ...also.names].map(knock).join('\n');
    for (const mode of ['read-only', 'workspace-write'] as const) await attacker.run(tries, mode);
    return heldUnless(reached.length > 0 && `connected to ${[...new Set(reached)].join(', ')}`);
  } finally {
    for (const server of servers) server.close();
  }
}

function folderIn(place: EscapePlace): string {
  const folder = join(place.root, 'run');
  mkdirSync(folder, { recursive: true });
  return folder;
}

export const rows: EscapeRow[] = [
  {
    row: 7,
    tried: 'a command connects to a server outside by the path of its Unix socket, as that of a tmux or an ssh-agent',
    heldBy,
    attack(place) {
      const attacker = createAttacker(place);
      return tryAll(attacker, [join(folderIn(place), 'agent'), join(attacker.workspace, 'agent')]);
    },
  },
  {
    row: 7,
    tried:
      'a command connects by a name that a server outside did not give its socket: a later one, a second one, one with a line end',
    heldBy: 'if the name that a socket was given is not the only one it has, all sockets of that folder are covered up',
    attack(place) {
      // Not below the temporary folder, of which a sandbox has another one.
      const folder = mkdtempSync(join(homedir(), '.bobbin-escape-'));
      const [given, plain] = [join(folder, 'given'), join(folder, 'plain')];
      const [later, second] = [join(folder, 'later'), join(folder, 'second')];
      const make = () => {
        renameSync(given, later);
        linkSync(plain, second);
      };
      const attacker = createAttacker(place);
      const ends = [given, plain, join(folder, 'line\nend')];
      return tryAll(attacker, ends, { names: [later, second], make }).finally(() =>
        rmSync(folder, { recursive: true }),
      );
    },
  },
  {
    row: 7,
    tried: 'a command connects to a server outside by an abstract Unix socket',
    heldBy,
    attack: (place) => tryAll(createAttacker(place), [`\0${place.root}`]),
  },
  {
    row: 7,
    tried:
      'a command opens a socket to the host of a virtual machine (`AF_VSOCK`), or packets past the network (`AF_PACKET`)',
    heldBy: 'a filter of system calls leaves Unix, internet and netlink sockets',
    async attack(place) {
      // Perl's socket() takes any family.
      const script = 'for my $f (40, 17, 38) { print "IN $f\\n" if socket(my $s, $f, $f == 17 ? 3 : 5, 0) }';
      const { output } = await createAttacker(place).run(`perl -e '${script}'; echo tried`);
      if (output.includes('not found')) return { type: 'notTried', why: 'no perl here' };
      return heldUnless(output.includes('IN ') && output);
    },
  },
  {
    row: 7,
    tried: 'a command asks the ssh-agent that the worker was started with',
    heldBy: 'commands get a list of harmless variables',
    async attack(place) {
      process.env['SSH_AUTH_SOCK'] = join(folderIn(place), 'agent');
      const { output } = await createAttacker(place).run('echo "$SSH_AUTH_SOCK"', 'danger-full-access');
      return heldUnless(output.includes('agent') && `SSH_AUTH_SOCK is ${output}`);
    },
  },
];
