/** Installs bubblewrap with the package manager of this machine, after asking. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type Environment, findOnPath } from './temporal-service/obtain/program.ts';

const MANAGERS: Record<string, string[]> = {
  'apt-get': ['install', '-y', 'bubblewrap'],
  dnf: ['install', '-y', 'bubblewrap'],
  yum: ['install', '-y', 'bubblewrap'],
  apk: ['add', 'bubblewrap'],
  pacman: ['-S', '--noconfirm', 'bubblewrap'],
  zypper: ['--non-interactive', 'install', 'bubblewrap'],
};

/** Program and arguments; undefined if no known package manager is installed, or if bubblewrap already is. */
export function toInstallCommand(env: Environment = process.env): string[] | undefined {
  if (process.platform !== 'linux' || findOnPath('bwrap', env) !== undefined) return undefined;
  for (const [name, args] of Object.entries(MANAGERS)) {
    const program = findOnPath(name, env);
    if (program === undefined) continue;
    if (process.getuid?.() === 0) return [program, ...args];
    const sudo = findOnPath('sudo', env);
    return sudo === undefined ? undefined : [sudo, program, ...args];
  }
  return undefined;
}

export interface Person {
  /** True for yes. */
  ask(question: string): Promise<boolean>;
  say(text: string): void;
}

/** Returns whether bubblewrap is installed now. Runs nothing that the person did not agree to. */
export async function offerInstall(person: Person, env: Environment = process.env): Promise<boolean> {
  const command = toInstallCommand(env);
  if (command === undefined) return false;
  const line = command.join(' ');
  if (!(await person.ask(`The sandbox of commands needs bubblewrap. Run \`${line}\` now?`))) {
    person.say(`Sandbox   to install it later: ${line}`);
    return false;
  }
  const [program = '', ...args] = command;
  const child = spawn(program, args, { env, stdio: 'inherit' });
  const [end] = (await Promise.race([once(child, 'exit'), once(child, 'error')])) as [unknown];
  if (end !== 0) person.say(`Sandbox   ${line} failed`);
  return end === 0 && findOnPath('bwrap', env) !== undefined;
}
