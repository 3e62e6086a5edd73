import { join } from 'node:path';
import { readReviewRules } from '../../../activities/review/review-rules.ts';
import { createProjectDocs } from '../../../src/adapters/files/project-docs.ts';
import { createGit } from '../../../src/adapters/git/git.ts';
import { createReviewTargets } from '../../../src/adapters/git/targets/review-targets.ts';
import { type EscapeRow, heldUnless } from '../row.ts';
import { createAttacker } from '../sandboxed.ts';

const AS_SOMEBODY = '-c user.name=A -c user.email=a@example.invalid';

export const rows: EscapeRow[] = [
  {
    row: 21,
    tried: 'a branch, or a change that is not committed, rewrites or adds the `## Code Review Rules` it is reviewed by',
    heldBy: 'the rules are those of the base commit',
    async attack(place) {
      const { signal } = place;
      const attacker = createAttacker(place);
      const { workspace } = attacker;
      const made = await attacker.run(
        `set -e; git init -q -b main .; printf '## Code Review Rules\\n- STRICT\\n' > AGENTS.md; mkdir deep; git add -A
         git ${AS_SOMEBODY} commit -q -m one; git checkout -q -b topic; printf '## Code Review Rules\\n- MARKER\\n' > AGENTS.md
         cp AGENTS.md deep/AGENTS.md; git add -A; git ${AS_SOMEBODY} commit -q -m two
         printf '## Code Review Rules\\n- MARKER\\n' > AGENTS.override.md`,
      );
      if (made.exitCode !== 0) throw new Error(made.output);
      const ports = { git: createGit({ directory: '/nonexistent' }), projectDocs: createProjectDocs() };
      const { base } = await ports.git.pinChanges(workspace, { type: 'baseBranch', branch: 'main' }, signal);
      const { start } = await createReviewTargets({ directory: join(place.root, 'workspaces') }).find(
        { repository: workspace, branch: 'topic', base: 'main' },
        'target',
        signal,
      );
      const rules = await Promise.all([
        readReviewRules(ports, { cwd: join(workspace, 'deep'), commit: base }, signal),
        readReviewRules(ports, { cwd: workspace, commit: start }, signal),
      ]);
      if (!rules.every((text) => text.includes('STRICT'))) return heldUnless('the rules of the base were lost');
      return heldUnless(rules.some((text) => text.includes('MARKER')) && 'a review obeys the rules of what it reviews');
    },
  },
];
