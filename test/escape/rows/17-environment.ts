import { type EscapeRow, heldUnless } from '../row.ts';
import { buildCommandEnvironment } from '../../../src/adapters/shell/command-environment.ts';
import { createAttacker } from '../sandboxed.ts';

const SECRETS = {
  DATABASE_URL: 'postgres://me:MARKER@db/app',
  GH_PAT: 'MARKER',
  SLACK_WEBHOOK: 'https://hooks.example/MARKER',
  HTTPS_PROXY: 'http://me:MARKER@proxy.invalid:3128',
};

export const rows: EscapeRow[] = [
  {
    row: 17,
    tried: 'a command or an MCP server reads secrets from the environment of the worker, whatever they are called',
    heldBy: 'both get a list of variables that are known to be harmless, and what the operator names',
    async attack(place) {
      const before = process.env;
      process.env = { ...before, ...SECRETS };
      try {
        const attacker = createAttacker(place);
        const outputs = [await attacker.run('env'), await attacker.run('env', 'danger-full-access')].map(
          ({ output }) => output,
        );
        const forServers = JSON.stringify(buildCommandEnvironment(process.env, 'mcp'));
        const leak = [...outputs, forServers].find((text) => text.includes('MARKER'));
        return heldUnless(leak);
      } finally {
        process.env = before;
      }
    },
  },
];
