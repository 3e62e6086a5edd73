/** What the Temporal UI is given of a thread beside its history: summaries, details, descriptions of its messages. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ThreadHandle } from '../../src/client/index.ts';
import { type TestEnvironment, openEnvironment, runTurn, turn, waitForRequest } from '../environment.ts';

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await openEnvironment();
});
afterAll(() => environment.close());

const handleOf = ({ workflowId }: ThreadHandle) => environment.bobbin.service.client.workflow.getHandle(workflowId);

/** What the UI asks a running workflow for: its details, and what it answers to. */
interface Metadata {
  currentDetails?: string;
  definition: Record<
    'signalDefinitions' | 'queryDefinitions' | 'updateDefinitions',
    { name: string; description?: string }[]
  >;
}

const askMetadata = (thread: ThreadHandle) => handleOf(thread).query<Metadata>('__temporal_workflow_metadata');

async function summariesOf(thread: ThreadHandle): Promise<string[]> {
  const { events } = await handleOf(thread).fetchHistory();
  return (events ?? []).flatMap((event) => {
    const data = event.userMetadata?.summary?.data;
    return data == null ? [] : [JSON.parse(Buffer.from(data).toString()) as string];
  });
}

describe('a thread in the Temporal UI', () => {
  it('has a line for each thing it does, and no secret in it', async () => {
    const thread = await environment.start({ title: 'Mend the tests\nand more' });
    await runTurn(
      thread,
      'run: echo hi; TOKEN=abcdef true\npatch:\n*** Begin Patch\n*** Add File: new.txt\n+one\n*** End Patch',
    );
    const summaries = await summariesOf(thread);
    expect(summaries[0]).toBe('Mend the tests (+1 line)');
    expect(summaries).toContain('exec: echo hi; TOKEN=… true');
    expect(summaries.filter((line) => /^model: \S+ step \d$/.test(line)).length).toBeGreaterThan(0);
    expect(JSON.stringify(summaries)).not.toContain('abcdef');
    for (const line of summaries) expect(Buffer.byteLength(JSON.stringify(line))).toBeLessThanOrEqual(400);
  });

  it('takes a title and a command of any characters', async () => {
    const nasty = `${'\u001b'.repeat(90)}${'界'.repeat(2_000)}`.slice(0, 2_000);
    const thread = await environment.start({ title: nasty, sandbox: 'danger-full-access', approvalPolicy: 'never' });
    await runTurn(thread, `run: echo ${nasty.slice(90, 600)}\nsay: done`);
    for (const line of await summariesOf(thread))
      expect(Buffer.byteLength(JSON.stringify(line))).toBeLessThanOrEqual(400);
  });

  it('tells from its start on where it works, and who started it', async () => {
    const thread = await environment.start({ title: 'A title' });
    const { events } = await handleOf(thread).fetchHistory();
    const details = events?.[0]?.userMetadata?.details?.data ?? [];
    const staticDetails = JSON.parse(Buffer.from(details).toString()) as string;
    expect(staticDetails).toContain(`- works in \`${environment.cwd}\``);
    expect(staticDetails).toContain(`bobbin thread watch ${thread.threadId}`);
  });

  it('describes every message it takes, with the JSON of those that people send', async () => {
    const thread = await environment.start();
    await runTurn(thread, 'say: hi');
    const { definition } = await askMetadata(thread);
    const all = [...definition.signalDefinitions, ...definition.queryDefinitions, ...definition.updateDefinitions];
    const ours = all.filter(({ name }) => !name.startsWith('__') && name !== '');
    expect(ours.length).toBeGreaterThan(15);
    expect(ours.filter(({ description }) => (description ?? '') === '').map(({ name }) => name)).toEqual([]);
  });

  it('shows what it waits for with the commands and the signal that answer it, and then how it went', async () => {
    const thread = await environment.start({ approvalPolicy: 'untrusted', budget: { thread: { costUsd: 5 } } });
    const asking = turn('run: touch allowed.txt');
    await thread.submit(asking);
    const { requestId } = await waitForRequest(thread);
    const { currentDetails = '' } = await askMetadata(thread);
    expect(currentDetails).toContain(`**active** in \`${environment.cwd}\``);
    expect(currentDetails).toContain(`\`${asking.turnId}\` (regular) since 20`);
    expect(currentDetails).toContain('waiting: `touch allowed.txt`');
    expect(currentDetails).toContain(`\`bobbin thread approve ${thread.threadId} ${requestId}\``);
    expect(currentDetails).toContain('of $5.00');
    // The signal as it stands there is the one that works.
    const [, json = ''] = /signal `resolveRequest` with `(.*)`/.exec(currentDetails) ?? [];
    await handleOf(thread).signal('resolveRequest', JSON.parse(json));
    await thread.completion(asking.turnId);
    await runTurn(thread, 'status: 400');
    const { currentDetails: after = '' } = await askMetadata(thread);
    expect(after).toContain('**idle**');
    expect(after).toMatch(/### Last error\n- `modelBadRequest` in turn `turn-/);
    expect(after).not.toContain('Waits for a person');
  });
});
