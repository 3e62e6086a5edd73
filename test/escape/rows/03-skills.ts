import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SandboxPolicy } from '../../../activities/ports.ts';
import { createPatcher } from '../../../src/adapters/files/patcher.ts';
import { createCommandRunner } from '../../../src/adapters/shell/command-runner.ts';
import { type EscapePlace, type EscapeRow, type Outcome, heldUnless } from '../row.ts';

export const rows: EscapeRow[] = [
  {
    row: 3,
    tried:
      'a command or a patch changes a skill of the person, adds one, or looks around from there, where the data folder lies in its workspace',
    heldBy:
      'of the data folder, commands see the folder of skills alone, and can only read it; it is closed to patches',
    attack,
  },
];

async function attack(place: EscapePlace): Promise<Outcome> {
  const workspace = realpathSync(place.root);
  const data = join(workspace, 'data');
  const skill = join(data, 'skills', 'mine');
  mkdirSync(skill, { recursive: true, mode: 0o700 });
  mkdirSync(join(data, 'keys'), { mode: 0o700 });
  writeFileSync(join(skill, 'SKILL.md'), 'mine\n');
  writeFileSync(join(data, 'keys', 'one.json'), 'MARKER');
  spawnSync('ln', ['-s', '../keys', join(data, 'skills', 'keys')]);
  const before = listing(data);
  const runner = createCommandRunner({
    stateDirectory: join(workspace, 'state'),
    hiddenFolders: [data],
    shownFolders: [join(data, 'skills')],
  });
  const command = [
    `cat skills/mine/SKILL.md; ls . ; cat keys/one.json skills/keys/one.json skills/../keys/one.json`,
    `echo evil >> skills/mine/SKILL.md; mkdir skills/evil; touch skills/mine/new; rm -rf skills/mine`,
    `mv skills other; mkdir -p skills/evil; mkdir trusted-skills; cd ..; mv data other; mkdir -p data/skills/evil`,
  ].join('; ');
  const sandbox: SandboxPolicy = { mode: 'workspace-write', writableRoots: [], networkAccess: false };
  const ran = await runner.run(
    {
      ...{
        commandId: randomUUID(),
        threadId: 'attacker',
        command: `cd data; ${command}; true`,
        cwd: workspace,
        workspace,
      },
      sandbox,
      ...{ timeoutMs: 20_000, maxOutputBytes: 16_384 },
    },
    { signal: place.signal, onOutput: () => undefined },
  );
  const patcher = createPatcher({ closedFolders: [data], deniedPaths: [] });
  const patch = '*** Begin Patch\n*** Add File: data/skills/evil/SKILL.md\n+evil\n*** End Patch';
  await patcher.apply(patch, { cwd: workspace, sandbox }, place.signal).catch(() => undefined);
  const output = JSON.stringify(ran);
  if (!output.includes('mine')) return { type: 'notTried', why: `the command could not read the skill: ${output}` };
  if (output.includes('MARKER')) return { type: 'broken', what: 'a key was read' };
  const after = listing(data);
  return heldUnless(after !== before && `the data folder is now: ${after}`);
}

/** All names below a folder, and the text of the skill. */
function listing(data: string): string {
  const names = spawnSync('find', ['.'], { cwd: data, encoding: 'utf8' }).stdout.split('\n').sort();
  return [...names, readFileSync(join(data, 'skills', 'mine', 'SKILL.md'), 'utf8')].join('\n');
}
