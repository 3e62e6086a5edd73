import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SandboxPolicy } from '../../../activities/ports.ts';
import { createPatcher } from '../../../src/adapters/files/patcher.ts';
import { createCommandRunner } from '../../../src/adapters/shell/command-runner.ts';
import { NO_LIMITS } from '../../../src/adapters/shell/processes/limits.ts';
import { openTokens } from '../../../src/interfaces/http/tokens.ts';
import { readWorkerConfig } from '../../../src/worker/config.ts';
import { type EscapePlace, type EscapeRow, heldUnless } from '../row.ts';

/** A command of a worker that is configured by this environment. */
async function run({ root, signal }: EscapePlace, env: Record<string, string>, command: string): Promise<string> {
  const { stateDirectory, closedFolders, deniedPaths } = readWorkerConfig(env, 'none');
  const hidden = { hiddenFolders: closedFolders, deniedPaths };
  const runner = createCommandRunner({ stateDirectory, limits: NO_LIMITS, ...hidden });
  const sandbox: SandboxPolicy = { mode: 'workspace-write', writableRoots: [], networkAccess: false };
  const workspace = join(root, 'workspace');
  const ids = { commandId: randomUUID(), threadId: 'attacker', command, cwd: workspace, workspace };
  const bounds = { sandbox, timeoutMs: 20_000, maxOutputBytes: 16_384 };
  return (await runner.run({ ...ids, ...bounds }, { signal, onOutput: () => undefined })).output;
}

/** A token file, and a projected one: a link to a folder that is replaced as a whole. */
function plantAccounts({ root }: EscapePlace) {
  const workspace = join(root, 'workspace');
  for (const folder of ['plain', 'projected/..1', 'projected/..2'])
    mkdirSync(join(workspace, folder), { recursive: true });
  for (const file of ['plain/token', 'projected/..1/token', 'projected/..2/token'])
    writeFileSync(join(workspace, file), 'MARKER');
  symlinkSync('..1', join(workspace, 'projected/..data'));
  symlinkSync('..data/token', join(workspace, 'projected/token'));
  const accounts = { a: { tokenFile: 'plain/token' }, b: { tokenFile: 'projected/token' } };
  const file = join(workspace, 'accounts.json');
  writeFileSync(file, JSON.stringify({ accounts }));
  const env = { BOBBIN_DATA_DIR: join(root, 'data'), HOME: root, BOBBIN_IDENTITY_ACCOUNTS: file };
  return { workspace, env };
}

export const rows: EscapeRow[] = [
  {
    row: 16,
    tried: 'a command reads the token of the HTTP and MCP servers, to answer its own request with it',
    heldBy:
      'it is in the data folder, which is empty inside every sandbox; a file of the server has only hashes of the others',
    async attack(place) {
      const workspace = join(place.root, 'workspace');
      mkdirSync(workspace);
      const data = join(workspace, 'data');
      const secret = (await openTokens(data).first()) ?? '';
      const env = { BOBBIN_DATA_DIR: data, HOME: place.root };
      const output = await run(
        place,
        env,
        "exec 2>&1; cat data/http-token*; grep -r bobbin_ . ; tr '\\0' '\\n' < /proc/self/environ",
      );
      if (output.includes(secret)) return { type: 'broken', what: 'the token was printed' };
      return heldUnless(
        readFileSync(join(data, 'http-tokens.json'), 'utf8').includes(secret) && 'the file has the token',
      );
    },
  },
  {
    row: 16,
    tried: 'a command reads the token files of accounts, plain or projected, before and after they were replaced',
    heldBy:
      'the accounts file, the files that it names and the folders of projected tokens are hidden in every sandbox',
    async attack(place) {
      const { workspace, env } = plantAccounts(place);
      const read =
        'exec 2>&1; cat accounts.json plain/* projected/* projected/*/*; grep -rl MARKER .; mv plain other; cat other/*; true';
      const before = await run(place, env, read);
      // Kubernetes replaces the folder behind the link.
      symlinkSync('..2', join(workspace, 'projected/..new'));
      renameSync(join(workspace, 'projected/..new'), join(workspace, 'projected/..data'));
      const after = await run(place, env, read);
      return heldUnless(/MARKER|tokenFile/.test(before + after) && 'a token or the accounts were printed');
    },
  },
  {
    row: 16,
    tried: 'a patch changes where the token of an account comes from, to a command of its own',
    heldBy: 'no patch reads or writes the accounts file, or a file that it names',
    async attack(place) {
      const { workspace, env } = plantAccounts(place);
      const { closedFolders, deniedPaths } = readWorkerConfig(env, 'none');
      const patcher = createPatcher({ closedFolders, deniedPaths });
      const sandbox: SandboxPolicy = { mode: 'workspace-write', writableRoots: [], networkAccess: false };
      const before = readFileSync(join(workspace, 'accounts.json'), 'utf8');
      for (const text of [
        '*** Delete File: accounts.json\n*** Add File: accounts.json\n+PLANTED',
        '*** Update File: accounts.json\n*** Move to: leak',
        '*** Update File: plain/token\n*** Move to: leak',
        '*** Add File: projected/token\n+PLANTED',
      ])
        await patcher
          .apply(`*** Begin Patch\n${text}\n*** End Patch\n`, { cwd: workspace, sandbox }, place.signal)
          .catch(() => undefined);
      const isWhole =
        readFileSync(join(workspace, 'accounts.json'), 'utf8') === before &&
        ['plain/token', 'projected/token'].every((file) => readFileSync(join(workspace, file), 'utf8') === 'MARKER');
      return heldUnless(!isWhole && 'the accounts or a token were changed');
    },
  },
];
