import { plural } from '../../contract/plain/plural.ts';
import { readSkills } from '../skills.ts';
import type { CheckContext, Finding, Probe } from './check.ts';

/** Checks the skills of the person. Those of a workspace are shown by `bobbin skills list`. */
export const skillsProbe: Probe = {
  name: 'skills',
  need: 'folders with a SKILL.md in skills of the data directory; optional',
  look: lookAtSkills,
};

async function lookAtSkills({ env, dataDirectory }: CheckContext): Promise<Finding> {
  const { skills, problems } = await readSkills(env, dataDirectory, null);
  const usable = skills.filter(({ state }) => state === 'usable').length;
  const wrong = [
    ...problems,
    ...skills.flatMap(({ name, problem }) => (problem === null ? [] : [`${name}: ${problem}`])),
  ];
  const found = usable === 0 ? 'none' : plural(usable, 'skill');
  if (wrong.length === 0) return { status: 'ok', found };
  return { status: 'warning', found, howTo: `Correct them, or take them out of the folder:\n${wrong.join('\n')}` };
}
