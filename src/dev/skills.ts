/** The skills of this machine, for the commands of the person: outside of any thread, and with those that nobody trusts. */
import { realpathSync } from 'node:fs';
import { listDeniedPaths } from '../adapters/shell/sandbox/denied-paths.ts';
import { type FoundSkill, findSkills } from '../adapters/skills/find-skills.ts';
import { createTrustedSkills } from '../adapters/skills/trusted-skills.ts';
import { dataLayout } from '../folders/folders.ts';
import type { Environment } from './temporal-service/obtain/program.ts';

export interface SkillsHere {
  /** The real path of the workspace; null if none was named. */
  workspace: string | null;
  skills: FoundSkill[];
  problems: string[];
}

/**
 * @param cwd a folder; null: only the skills of the person. Rejects with the error of the file system if it is not there.
 * @param whole the skill of the workspace that comes with its files
 */
export async function readSkills(
  env: Environment,
  dataDirectory: string,
  cwd: string | null,
  whole?: string,
): Promise<SkillsHere> {
  const workspace = cwd === null ? null : realpathSync(cwd);
  const data = dataLayout(dataDirectory);
  const sources = {
    own: data.skills,
    trusted: createTrustedSkills(data.trustedSkills),
    closed: [data.root, ...listDeniedPaths(env)],
  };
  return { workspace, ...(await findSkills(sources, workspace, { reads: 'all', whole })) };
}

export async function trustSkill(
  dataDirectory: string,
  { workspace, name, sha256 }: { workspace: string; name: string; sha256: string },
): Promise<void> {
  await createTrustedSkills(dataLayout(dataDirectory).trustedSkills).trust(workspace, name, sha256);
}

/** Whether it was trusted. */
export function untrustSkill(dataDirectory: string, workspace: string, name: string): Promise<boolean> {
  return createTrustedSkills(dataLayout(dataDirectory).trustedSkills).untrust(workspace, name);
}
