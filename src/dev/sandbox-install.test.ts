import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { offerInstall, toInstallCommand } from './sandbox-install.ts';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'install-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const program = (name: string, script: string) =>
  writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
/** A package manager that does what it is asked for, and a sudo that does not ask. */
const machine = (how = `/bin/cp "$0" '${folder}/bwrap'`) => {
  program('sudo', 'exec "$@"');
  program('dnf', `echo "$@" > '${folder}/asked'; ${how}`);
  return { PATH: folder };
};

function person(answer: boolean) {
  const asked: string[] = [];
  const said: string[] = [];
  const ask = (question: string) => {
    asked.push(question);
    return Promise.resolve(answer);
  };
  return { asked, said, ask, say: (text: string) => said.push(text) };
}

describe.runIf(process.platform === 'linux')('on a machine without bubblewrap', () => {
  it('a person is shown the command, and it is run when they agree', async () => {
    const someone = person(true);
    expect(await offerInstall(someone, machine())).toBe(true);
    expect(someone.asked).toEqual([expect.stringContaining(`${folder}/dnf install -y bubblewrap`)]);
    expect(existsSync(join(folder, 'asked'))).toBe(true);
  });

  it('nothing is run when they do not, and the command is printed', async () => {
    const someone = person(false);
    expect(await offerInstall(someone, machine())).toBe(false);
    expect(someone.said).toEqual([expect.stringContaining('dnf install -y bubblewrap')]);
    expect(existsSync(join(folder, 'asked'))).toBe(false);
  });

  it('a command that fails is said to have failed', async () => {
    const someone = person(true);
    expect(await offerInstall(someone, machine('exit 1'))).toBe(false);
    expect(someone.said).toEqual([expect.stringContaining('failed')]);
  });

  it('nobody is asked if no package manager is known, or if it is there', () => {
    expect(toInstallCommand({ PATH: folder })).toBe(undefined);
    const env = machine();
    symlinkSync('/bin/true', join(folder, 'bwrap'));
    expect(toInstallCommand(env)).toBe(undefined);
  });
});
