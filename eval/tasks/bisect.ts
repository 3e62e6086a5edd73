/** Find the commit that broke something. Messages do not tell; `.git` is read-only in the sandbox, as always. */
import assert from 'node:assert/strict';
import { packageJson } from './files.ts';
import type { Commit, Task } from './task.ts';

interface Slug {
  form: 'NFKD' | 'NFC';
  trim: boolean;
  max: number | null;
  early: boolean;
}

function slugOf({ form, trim, max, early }: Slug): string {
  const steps = [
    ...(early ? ['.toLowerCase()'] : []),
    `.normalize('${form}')`,
    ...(form === 'NFKD' ? [String.raw`.replace(/[\u0300-\u036f]/g, '')`] : [String.raw`.replace(/\p{M}/gu, '')`]),
    ...(early ? [] : ['.toLowerCase()']),
    `.replace(/[^a-z0-9\\s_-]+/g, '')`,
    String.raw`.replace(/[\s_-]+/g, '-')`,
    ...(trim ? [`.replace(/^-|-$/g, '')`] : []),
    ...(max === null ? [] : [`.slice(0, ${max})`]),
  ];
  return `/** The part of an address that stands for a title. */\nexport function slug(title) {\n  return title\n    ${steps.join('\n    ')};\n}\n`;
}

const FIRST: Slug = { form: 'NFKD', trim: false, max: null, early: false };

/** What changes in `src/slug.mjs`, by the number of the commit. */
const CHANGES: Record<number, [message: string, slug: Partial<Slug>]> = {
  4: ['Take dashes off both ends of slugs', { trim: true }],
  9: ['Bound the length of slugs', { max: 80 }],
  14: ['Let slugs be shorter', { max: 60 }],
  17: ['Strip marks by their property', { form: 'NFC' }],
  21: ['Make slugs lower case first', { early: true }],
};
const NOTES = ['authors', 'tags', 'drafts', 'feeds', 'themes', 'images', 'quotes', 'tables'];
const COMMITS = 26;

function history(): Commit[] {
  let slug = FIRST;
  const begin: Commit = {
    message: 'Begin',
    files: { 'package.json': packageJson('pages'), 'src/slug.mjs': slugOf(slug), 'docs/notes.md': '# Notes\n' },
  };
  const later = Array.from({ length: COMMITS - 1 }, (_, index): Commit => {
    const number = index + 2;
    const change = CHANGES[number];
    if (change !== undefined) {
      slug = { ...slug, ...change[1] };
      return { message: change[0], files: { 'src/slug.mjs': slugOf(slug) } };
    }
    const about = `${NOTES[number % NOTES.length] ?? ''} ${number}`;
    return {
      message: `Write about ${about}`,
      files: {
        [`docs/${about.replace(' ', '-')}.md`]: `# ${about}\n`,
        [`src/page-${number}.mjs`]: `export const title = '${about}';\n`,
      },
    };
  });
  return [begin, ...later];
}

const TRY = `node --input-type=module -e "import { slug } from './src/slug.mjs'; process.exit(slug('Crème Brûlée') === 'creme-brulee' ? 0 : 1)"`;

export const bisect: Task = {
  name: 'bisect',
  about: 'find the commit that broke something, among 26',
  commits: history(),
  turns: [
    {
      prompt: [
        "`slug('Crème Brûlée')` of `src/slug.mjs` gave `creme-brulee` in the first commit of this repository, and does not any longer.",
        'Find the commit that broke it, and write its full id as the only line into a new file `FOUND.txt` at the top of the repository.',
        'Change nothing else: I want to look at the commit before anybody mends it.',
      ].join(' '),
      solution: [
        {
          run: 'rm -rf /tmp/clone && git clone -q . /tmp/clone && cd /tmp/clone && git bisect start HEAD $(git rev-list --max-parents=0 HEAD) >/dev/null',
        },
        { write: '/tmp/try.sh', text: `${TRY}\n` },
        { run: 'cd /tmp/clone && git bisect run sh /tmp/try.sh >/dev/null && git rev-parse refs/bisect/bad' },
        { run: 'git -C /tmp/clone rev-parse refs/bisect/bad > FOUND.txt && cat FOUND.txt' },
      ],
      // The newest commit that touches the file.
      spoilt: [{ run: 'git log -1 --format=%H -- src/slug.mjs > FOUND.txt' }],
    },
  ],
  async check(left) {
    const found = (await left.print('cat FOUND.txt')).trim();
    assert.match(found, /^[0-9a-f]{40}$/, 'FOUND.txt is not the full id of a commit');
    assert.equal(await left.print('git status --porcelain'), '?? FOUND.txt\n', 'something else has changed');
    // Only one commit breaks it, so this one is the right one if it does.
    const at = async (commit: string) =>
      (
        await left.run(
          `rm -rf /tmp/check/at && git worktree add -qf --detach /tmp/check/at ${commit} && cd /tmp/check/at && ${TRY}`,
        )
      ).exitCode;
    assert.equal(await at(`${found}^`), 0, 'it was broken before that commit');
    assert.equal(await at(found), 1, 'that commit does not break it');
  },
};
