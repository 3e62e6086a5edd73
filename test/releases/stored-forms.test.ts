/** What this release and those before it have left in histories and on disks is read by the code of today. */
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ArchiveBody } from '../../src/contract/index.ts';
import { createArchive } from '../../src/adapters/archive/archive.ts';
import { createFolderStore } from '../../src/adapters/store/folder-store.ts';
import { createGit } from '../../src/adapters/git/git.ts';
import { createKeyFolder } from '../../src/adapters/identity/key-files.ts';
import { createKeyStore } from '../../src/adapters/identity/key-store.ts';
import { readFormerRules } from '../../src/adapters/rules/former-rules.ts';
import { type BatchState, toRowsPage, toView } from '../../workflows/batch-review/batch.ts';
import { toLedgerView } from '../../workflows/review-ledger/ledger.ts';
import type { LedgerState } from '../../workflows/review-ledger/state.ts';
import { isCarriedState, toCurrentState } from '../../workflows/review-ledger/upgrade.ts';
import { fromCarriedState, isCarryOver } from '../../workflows/thread/past/carry-over.ts';
import { itemCount } from '../../workflows/thread/state/log.ts';
import { decide } from '../../workflows/thread/machine/machine.ts';
import { newThreadState } from '../../workflows/thread/state/state.ts';
import { toThreadView } from '../../workflows/thread/view/view.ts';
import { git } from '../parts/repositories.ts';
import { argumentOf, payloadTexts, readRecorded, recordedNames } from '../recordings/histories.ts';
import { storedFolders } from '../recordings/stored.ts';

const { signal } = new AbortController();

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'bobbin-stored-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** Arguments of runs of this workflow that have such a member, by the names of their histories. */
function carried(workflow: string, member: string): { name: string; argument: Record<string, unknown> }[] {
  return recordedNames().flatMap((name) => {
    const { type, argument } = argumentOf(readRecorded(name));
    const isSuch = type === workflow && typeof argument === 'object' && argument !== null && member in argument;
    return isSuch ? [{ name, argument: argument as Record<string, unknown> }] : [];
  });
}

describe('the state that a run left is gone on from', () => {
  it.each(carried('thread', 'carriedOver'))('by a thread: $name', ({ argument }) => {
    if (!isCarryOver(argument)) throw new Error('It is not known as a state that was carried over');
    const before = argument.carriedOver;
    const state = fromCarriedState(before);
    const members = Object.keys(newThreadState(before.threadId, before.settings, 0));
    expect(Object.keys(state)).toEqual(expect.arrayContaining(members));
    expect(toThreadView(state)).toMatchObject({ threadId: before.threadId, turnCount: before.turnCount });
    expect(itemCount(state.log)).toBe(before.log.firstItem + before.log.items.length);
    expect(() => decide(state, [])).not.toThrow();
  });

  it.each(carried('reviewLedger', 'findings'))('by a ledger: $name', ({ argument }) => {
    if (!isCarriedState(argument)) throw new Error('It is not known as a state that was carried over');
    const state = toCurrentState(argument);
    const before = argument as unknown as LedgerState;
    expect(toLedgerView(state)).toMatchObject({ targetId: before.targetId });
    expect(state.findings.map(({ findingId }) => findingId)).toEqual(before.findings.map((one) => one.findingId));
  });

  it.each(carried('batchReview', 'carriedBatch'))('by a batch: $name', ({ argument }) => {
    const before = argument['carriedBatch'] as BatchState;
    expect(toView(before, null)).toMatchObject({ batchId: before.batchId });
    expect(toRowsPage(before, 0, 100).rows).toHaveLength(before.targets.length);
  });

  it('by the identity of an account', () => {
    const [first] = carried('agentIdentity', 'identity').filter(({ argument }) => argument['identity'] !== null);
    expect(first?.argument['identity']).toMatchObject({
      agentRuntimeId: expect.stringContaining('agent-runtime') as string,
    });
  });
});

describe('what lies in the data folder of workers is read', () => {
  it.each(storedFolders('archive'))('segments of the archive: $name', async ({ path, histories }) => {
    const texts = recordedNames().flatMap((name) =>
      name.startsWith(histories) ? payloadTexts(readRecorded(name)) : [],
    );
    const ids = new Set(texts.flatMap((text) => [...text.matchAll(/"segmentId":"([^"]+)"/g)].map(([, id = '']) => id)));
    const archive = createArchive({ store: createFolderStore(path) });
    const bodies = await Promise.all(
      [...ids].map(async (id) => JSON.parse(await archive.read(id).catch(() => 'null')) as ArchiveBody | null),
    );
    const whole = bodies.filter((body) => body !== null);
    expect(whole).toHaveLength(readdirSync(path).length);
    for (const { items, segment } of whole) expect(items).toHaveLength(segment.items.to - segment.items.from);
  });

  it.each(storedFolders('rules'))('rules of a repository: $name', async ({ path }) => {
    const directory = join(root, 'rules');
    cpSync(path, directory, { recursive: true });
    const { found, broken } = await readFormerRules(directory);
    expect(broken).toEqual([]);
    expect(found).toMatchObject([
      { repository: expect.stringMatching(/\/\.git$/) as string, rules: [{ scope: 'repository', decision: 'accept' }] },
    ]);
  });

  it.each(storedFolders('keys'))('keys of agent identities: $name', async ({ path }) => {
    const directory = join(root, 'keys');
    cpSync(path, directory, { recursive: true });
    const store = createKeyStore(createKeyFolder(directory));
    const [pointer = ''] = readdirSync(join(path, 'current'));
    const { account } = JSON.parse(readFileSync(join(path, 'current', pointer), 'utf8')) as { account: string };
    const identity = await store.current(account);
    expect(identity).toMatchObject({ account, agentRuntimeId: expect.stringContaining('agent-runtime') as string });
    expect(await store.key(identity!)).toMatchObject({ toPkcs8: expect.any(Function) as unknown });
  });

  it.each(storedFolders('snapshots.bundle'))('snapshots of turns: $name', async ({ path }) => {
    const cwd = join(root, 'repo');
    git(root, 'clone', '-q', path, cwd);
    git(cwd, 'fetch', '-q', path, 'refs/bobbin/*:refs/bobbin/*');
    const [oldest = ''] = git(cwd, 'for-each-ref', '--format=%(objectname)', 'refs/bobbin').split('\n');
    writeFileSync(join(cwd, 'README.md'), 'changed since\n');
    writeFileSync(join(cwd, 'new.txt'), 'made since\n');
    const keepAs = { threadId: 't', name: 'undo' };
    const adapter = createGit({ directory: join(root, 'data') });
    const { redo } = await adapter.revert({ cwd, before: oldest, after: null, preview: false, keepAs }, signal);
    expect(readdirSync(cwd).sort()).toEqual(['.git', 'README.md', 'untracked.txt']);
    expect(readFileSync(join(cwd, 'README.md'), 'utf8')).toBe('# A repository of the tests\n');
    await adapter.revert({ cwd, ...redo!, preview: false, keepAs: null }, signal);
    expect(['README.md', 'new.txt'].map((name) => readFileSync(join(cwd, name), 'utf8'))).toEqual([
      'changed since\n',
      'made since\n',
    ]);
  });
});
