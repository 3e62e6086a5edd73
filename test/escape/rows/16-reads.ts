import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type EscapeRow, held, heldUnless } from '../row.ts';
import { createAttacker } from '../sandboxed.ts';

const SECRETS = [
  ...[
    '.ssh/id_ed25519',
    '.aws/credentials',
    '.config/gh/hosts.yml',
    '.gnupg/private-keys-v1.d/key',
    '.netrc',
    '.npmrc',
  ],
  ...['.docker/config.json', '.kube/config', '.config/gcloud/credentials.db', '.azure/token', '.git-credentials'],
  ...['.bash_history', '.mozilla/firefox/profile/logins.json', '.config/google-chrome/Default/Cookies'],
  ...['.local/share/keyrings/login.keyring', '.codex/auth.json', '.cargo/credentials.toml', '.pypirc', 'named-secret'],
];

export const rows: EscapeRow[] = [
  {
    row: 16,
    tried:
      'a command reads `~/.ssh`, `~/.aws`, `~/.config/gh`, browser profiles, histories and what the operator names',
    heldBy: 'they are hidden in every sandbox; `BOBBIN_DENY_READ` adds to the list',
    async attack(place) {
      const home = join(place.root, 'workspace', 'home');
      for (const path of SECRETS) {
        mkdirSync(dirname(join(home, path)), { recursive: true });
        writeFileSync(join(home, path), 'MARKER');
      }
      const before = process.env;
      process.env = { ...before, HOME: home, BOBBIN_DENY_READ: join(home, 'named-secret') };
      try {
        // The home is in the workspace, so that only the list can hide what is in it.
        const { output } = await createAttacker(place).run(
          `grep -rl MARKER '${home}'; mv '${home}' '${home}2'; grep -rl MARKER '${home}2'`,
        );
        return heldUnless(output.includes('home/') && output);
      } finally {
        process.env = before;
      }
    },
  },
  {
    row: 16,
    tried: 'a command reads the passwords and keys of the machine (`/etc/shadow`, keys of the SSH server, logs)',
    heldBy: 'they are hidden in every sandbox',
    async attack(place) {
      const { output } = await createAttacker(place).run(
        'exec 2>/dev/null; cat /etc/shadow /etc/gshadow /etc/ssh/ssh_host_*_key; ' +
          'for folder in /var/log /etc/ssl/private /var/backups; do ls -A $folder; done; head -c1 /proc/kcore | wc -c',
      );
      return heldUnless(output.trim() !== '0' && output);
    },
  },
  {
    row: 16,
    tried: 'a command reads the data folder of the worker and the workspaces of other threads beside its own',
    heldBy: 'both folders are hidden; only its own workspace is shown in them',
    async attack(place) {
      const all = join(place.root, 'workspaces');
      const other = join(all, 'other');
      mkdirSync(other, { recursive: true });
      writeFileSync(join(other, 'secret'), 'MARKER');
      const attacker = createAttacker(place, [all, join(place.root, 'data')], join(all, 'own'));
      const { output } = await attacker.run(
        `grep -rl MARKER '${all}' '${place.root}'; ls '${attacker.data}'; echo written > file && echo works`,
      );
      if (!output.includes('works')) return { type: 'broken', what: `its own workspace is not there: ${output}` };
      return heldUnless(/other|seccomp|commands/.test(output) && output);
    },
  },
  {
    row: 16,
    tried: 'a command makes `.git`, `.codex` or `.bobbin` a link to what is hidden, and a later one reads it there',
    heldBy: 'what the workspace names shows nothing that is hidden',
    async attack(place) {
      const keys = join(place.root, 'keys');
      mkdirSync(keys);
      writeFileSync(join(keys, 'secret'), 'MARKER');
      const attacker = createAttacker(place, [keys]);
      for (const target of [keys, join(keys, 'secret')]) {
        await attacker.run(`for name in .git .codex .bobbin; do rm -f $name; ln -s '${target}' $name; done`);
        const { output } = await attacker.run(`cat .git .git/* .codex/* .bobbin/* '${keys}'/*; true`);
        if (output.includes('MARKER')) return { type: 'broken', what: `the secret was read by a link to ${target}` };
      }
      return held;
    },
  },
];
