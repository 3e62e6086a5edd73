import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, linkSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findSkills } from './find-skills.ts';
import { createSkills } from './skills.ts';
import { createTrustedSkills } from './trusted-skills.ts';

const { signal } = new AbortController();
const NEVER = 'MARKER';
let root: string;
let own: string;
let cwd: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'bobbin-skills-')));
  own = join(root, 'data', 'skills');
  cwd = join(root, 'workspace');
  mkdirSync(cwd);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const trusted = () => createTrustedSkills(join(root, 'data', 'trusted-skills'));
const sources = (closed: string[] = []) => ({ own, trusted: trusted(), closed });
const theirs = () => join(cwd, '.agents', 'skills');
const port = (closed?: string[]) => createSkills(sources(closed));
const look = async () => (await findSkills(sources(), cwd, { reads: 'all' })).skills;

function write(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

function head(name: string, description = `Does ${name}.`): string {
  return `---\nname: ${name}\ndescription: ${description}\n---\n`;
}

function add(place: string, name: string, files: Record<string, string | Uint8Array> = {}): string {
  for (const [path, content] of Object.entries({ 'SKILL.md': `${head(name)}# How to ${name}\n`, ...files }))
    write(join(place, name, path), content);
  return join(place, name);
}

/** As the person does it after having looked. */
async function trust(name: string): Promise<void> {
  const found = (await look()).find((one) => one.name === name);
  await trusted().trust(cwd, name, found?.content?.sha256 ?? '');
}

it('only the skill that is asked for stays in memory with its files', async () => {
  for (const name of ['audit', 'deploy']) add(theirs(), name, { 'notes.md': 'long', 'a/more.md': 'longer' });
  const { skills } = await findSkills(sources(), cwd, { reads: 'all', whole: 'deploy' });
  expect(skills.map(({ content }) => [...(content?.files.keys() ?? [])])).toEqual([
    ['SKILL.md'],
    ['SKILL.md', 'a/more.md', 'notes.md'],
  ]);
  expect(skills.map(({ content }) => content?.sizes.get('a/more.md'))).toEqual([6, 6]);
});

describe('skills of the person', () => {
  it('are listed by name, and read with their other files', async () => {
    const folder = add(own, 'pdf-forms', { 'scripts/fill.py': 'print(1)', 'references/a b.md': 'text' });
    add(own, 'audit');
    write(join(own, 'README.md'), 'no skill');
    expect(await port().list({ cwd }, signal)).toEqual({
      skills: [
        { name: 'audit', from: 'person', description: 'Does audit.' },
        { name: 'pdf-forms', from: 'person', description: 'Does pdf-forms.' },
      ],
      warnings: [],
    });
    expect(await port().read({ name: 'pdf-forms', path: null }, { cwd }, signal)).toEqual({
      folder,
      text: `${head('pdf-forms')}# How to pdf-forms\n`,
      files: ['references/a b.md', 'scripts/fill.py'],
      moreFiles: false,
    });
    const read = await port().read({ name: 'pdf-forms', path: 'scripts/fill.py' }, { cwd }, signal);
    expect(read).toMatchObject({ text: 'print(1)' });
  });

  it('are none if there is no such folder, or it is a link', async () => {
    expect(await port().list({ cwd }, signal)).toEqual({ skills: [], warnings: [] });
    add(join(cwd, 'planted'), 'evil');
    mkdirSync(dirname(own), { recursive: true });
    symlinkSync(join(cwd, 'planted'), own);
    const warnings = [expect.stringContaining('a link or no folder')];
    expect(await port().list({ cwd }, signal)).toEqual({ skills: [], warnings });
  });

  it('give nothing from outside of their folder', async () => {
    write(join(root, 'key'), NEVER);
    const folder = add(own, 'one');
    symlinkSync(join(root, 'key'), join(folder, 'key'));
    symlinkSync(root, join(folder, 'up'));
    symlinkSync('loop', join(folder, 'loop'));
    for (const path of ['key', 'up/key', 'loop', 'none', 'SKILL.md/x'])
      expect(await port().read({ name: 'one', path }, { cwd }, signal)).toEqual({
        fault: `Skill one has no file ${path}.`,
      });
    expect(await port().read({ name: 'one', path: null }, { cwd }, signal)).toMatchObject({ files: [] });
  });
});

describe('skills of a workspace', () => {
  it('are not read before the person has trusted them, and the person is told that they are there', async () => {
    add(theirs(), 'deploy', { 'SKILL.md': head('deploy', NEVER) });
    const { skills, warnings } = await port().list({ cwd }, signal);
    expect(skills).toEqual([]);
    expect(warnings).toEqual([expect.stringContaining('has 1 skill that you have not trusted')]);
    expect(JSON.stringify(warnings)).not.toContain(NEVER);
    expect(await port().read({ name: 'deploy', path: null }, { cwd }, signal)).toHaveProperty('fault');
    await trust('deploy');
    expect(await port().list({ cwd }, signal)).toMatchObject({
      skills: [{ name: 'deploy', from: 'workspace', description: NEVER }],
      warnings: [],
    });
  });

  it.each<[string, (folder: string) => void]>([
    ['its text', (folder) => write(join(folder, 'SKILL.md'), head('deploy', 'Else.'))],
    ['a file', (folder) => write(join(folder, 'scripts/run.sh'), 'evil')],
    ['a new file', (folder) => write(join(folder, 'new.md'), '')],
    ['a file that went', (folder) => rmSync(join(folder, 'scripts/run.sh'))],
    ['a file that became a program', (folder) => chmodSync(join(folder, 'scripts/run.sh'), 0o755)],
  ])('are no longer trusted after a change of %s', async (_, change) => {
    const folder = add(theirs(), 'deploy', { 'scripts/run.sh': 'good' });
    await trust('deploy');
    change(folder);
    expect(await look()).toMatchObject([{ name: 'deploy', state: 'changed' }]);
    const { skills, warnings } = await port().list({ cwd }, signal);
    expect({ skills, warnings }).toEqual({
      skills: [],
      warnings: [expect.stringMatching(/changed since you trusted them.*: deploy\./)],
    });
    expect(await port().read({ name: 'deploy', path: null }, { cwd }, signal)).toEqual({
      fault: expect.stringContaining('has changed since the person trusted it') as string,
    });
  });

  it('are other skills if one file has a name that looks like two files', async () => {
    const hash = (text: string) => createHash('sha256').update(text).digest('hex');
    const file = `${head('deploy')}# How to deploy\n`;
    const texts = Array.from({ length: 50 }, (_, n) => String(n)).sort((a, b) => hash(a).localeCompare(hash(b)));
    // Their hashes are neighbours in the list, whatever else is in the folder.
    const [one = '', two = ''] = texts.filter((text) => hash(text) > hash(file)).slice(0, 2);
    const folder = add(theirs(), 'deploy', { one, two });
    await trust('deploy');
    rmSync(join(folder, 'one'));
    rmSync(join(folder, 'two'));
    writeFileSync(join(folder, `one\n${hash(two)} - two`), one);
    expect(await look()).toMatchObject([{ state: 'changed' }]);
  });

  it('are trusted in one workspace only, by its real path', async () => {
    add(theirs(), 'deploy');
    await trust('deploy');
    const other = join(root, 'other');
    add(join(other, '.agents', 'skills'), 'deploy');
    expect(await port().list({ cwd: other }, signal)).toMatchObject({ skills: [] });
    symlinkSync(cwd, join(root, 'link'));
    expect(await port().list({ cwd: join(root, 'link') }, signal)).toMatchObject({ skills: [{ name: 'deploy' }] });
    expect(await trusted().untrust(cwd, 'deploy')).toBe(true);
    expect(await trusted().untrust(cwd, 'deploy')).toBe(false);
    expect(await port().list({ cwd }, signal)).toMatchObject({ skills: [] });
  });

  it('come after one of the person with the same name', async () => {
    add(theirs(), 'deploy');
    await trust('deploy');
    add(own, 'deploy', { 'SKILL.md': head('deploy', 'Mine.') });
    expect(await look()).toMatchObject([
      { from: 'person', state: 'usable' },
      { from: 'workspace', state: 'hidden' },
    ]);
    expect(await port().list({ cwd }, signal)).toEqual({
      skills: [{ name: 'deploy', from: 'person', description: 'Mine.' }],
      warnings: [],
    });
  });

  it('are not read in a place that is closed to commands', async () => {
    add(theirs(), 'deploy');
    await trust('deploy');
    expect(await port([theirs()]).list({ cwd }, signal)).toEqual({ skills: [], warnings: [] });
  });

  it.each(['.agents', join('.agents', 'skills')])('are not read where %s is a link', async (part) => {
    add(theirs(), 'deploy');
    await trust('deploy');
    spawnSync('mv', [join(cwd, part), join(root, 'moved')]);
    symlinkSync(join(root, 'moved'), join(cwd, part));
    expect(await port().list({ cwd }, signal)).toMatchObject({ skills: [] });
  });

  it.each<[string, (folder: string) => void, RegExp]>([
    ['a link out of it', (folder) => symlinkSync('/etc/passwd', join(folder, 'passwd')), /^passwd in it is neither/],
    [
      'a hard link to a file outside',
      (folder) => linkSync(secret(), join(folder, 'key')),
      /^key in it has a second name/,
    ],
    ['a hard link as its text', (folder) => linkAs(join(folder, 'SKILL.md')), /^SKILL\.md in it has a second name/],
    ['a loop of links', (folder) => symlinkSync('.', join(folder, 'loop')), /^loop in it is neither/],
    ['a pipe', (folder) => spawnSync('mkfifo', [join(folder, 'pipe')]), /^pipe in it is neither/],
    ['a pipe as its text', (folder) => pipeAs(join(folder, 'SKILL.md')), /^SKILL\.md in it is neither/],
    ['too many files', (folder) => fill(folder, 501), /more than 500 files and folders/],
    ['too many folders', (folder) => nest(folder, 501), /more than 500 files and folders/],
    [
      'folders that are too deep',
      (folder) => mkdirSync(join(folder, 'a/'.repeat(9)), { recursive: true }),
      /more than 8/,
    ],
    ['too much', (folder) => write(join(folder, 'big'), new Uint8Array(9 * 1024 * 1024)), /more than 8388608 bytes/],
    ['a name that is no text', (folder) => unreadable(folder), /name of a file in it is not UTF-8/],
  ])('cannot be used with %s', async (_, spoil, problem) => {
    spoil(add(theirs(), 'odd'));
    const found = await look();
    expect(found).toMatchObject([{ name: 'odd', state: 'unusable' }]);
    expect(found[0]?.problem).toMatch(problem);
  });

  function secret(): string {
    write(join(root, 'key'), NEVER);
    return join(root, 'key');
  }

  function linkAs(path: string): void {
    rmSync(path);
    linkSync(secret(), path);
  }

  function pipeAs(path: string): void {
    rmSync(path);
    spawnSync('mkfifo', [path]);
  }

  function fill(folder: string, count: number): void {
    for (let n = 0; n < count; n += 1) write(join(folder, String(n)), '');
  }

  function nest(folder: string, count: number): void {
    for (let n = 0; n < count; n += 1) mkdirSync(join(folder, String(n % 20), String(n)), { recursive: true });
  }

  function unreadable(folder: string): void {
    writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff, 0xfe])]), '');
  }

  it('are not read any more once a file of it has a second name, although its bytes are those that were trusted', async () => {
    const folder = add(theirs(), 'deploy', { 'notes.md': 'as it was' });
    await trust('deploy');
    const reads = () => port().read({ name: 'deploy', path: 'notes.md' }, { cwd }, signal);
    expect(await reads()).toMatchObject({ text: 'as it was' });
    linkSync(join(folder, 'notes.md'), join(root, 'outside.md'));
    expect(await reads()).toMatchObject({ fault: expect.stringContaining('There is no skill deploy') as string });
    expect((await port().list({ cwd }, signal)).warnings.join()).toContain('second name, as a hard link');
  });

  it('that are links, or have names that are no names, are shown and not read', async () => {
    add(join(root, 'elsewhere'), 'linked');
    mkdirSync(theirs(), { recursive: true });
    symlinkSync(join(root, 'elsewhere', 'linked'), join(theirs(), 'linked'));
    add(theirs(), 'Bad Name\u001b[31m');
    add(theirs(), 'a--b');
    expect(await look()).toMatchObject([
      { name: 'Bad Name\u001b[31m', state: 'unusable' },
      { name: 'a--b', state: 'unusable' },
      { name: 'linked', state: 'unusable', problem: expect.stringContaining('symbolic link') as string },
    ]);
  });

  it('are none if there are more folders than anybody has', async () => {
    for (let n = 0; n < 101; n += 1) mkdirSync(join(theirs(), `s-${n}`), { recursive: true });
    const { skills, warnings } = await port().list({ cwd }, signal);
    expect({ skills, warnings }).toEqual({ skills: [], warnings: [expect.stringContaining('more than 100 entries')] });
  });

  it('are read as they were hashed, although they have changed since', async () => {
    const folder = add(theirs(), 'deploy', { 'a.md': 'good', 'b.md': '' });
    await trust('deploy');
    let files = 0;
    // Asked before each file: at the third one, a.md has been read.
    const changing = { throwIfAborted: () => ++files === 3 && writeFileSync(join(folder, 'a.md'), 'evil') };
    const read = await port().read({ name: 'deploy', path: 'a.md' }, { cwd }, changing as unknown as AbortSignal);
    expect(files).toBe(3);
    expect(read).toMatchObject({ text: 'good' });
    expect(await look()).toMatchObject([{ state: 'changed' }]);
  });
});
