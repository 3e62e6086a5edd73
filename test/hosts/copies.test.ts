/** Two machines with copies of one data folder that start in the same moment: exactly one is the host. */
import { randomUUID } from 'node:crypto';
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openHostFile } from '../../src/folders/host-file.ts';
import { type TestEnvironment, runTurn } from '../environment.ts';
import { type TestHost, type TwoHosts, canMakeHosts, makeRepositoryOn, openHostsAlone } from './two-hosts.ts';

vi.setConfig({ testTimeout: 120_000 });

let environment: TestEnvironment;
let hosts: TwoHosts;
let close: () => Promise<void>;
beforeAll(async () => {
  ({ environment, hosts, close } = await openHostsAlone());
});
afterAll(() => close());

describe.runIf(canMakeHosts())('copies of a data folder on several machines', () => {
  it('that start in the same moment are one host, which one of them serves, and the others name it', async () => {
    const first = hosts.another('host-m', undefined, randomUUID());
    openHostFile(first.data);
    const copies: TestHost[] = [first];
    while (copies.length < 3) {
      const copy = hosts.another('host-m', first.files, randomUUID());
      cpSync(first.data, copy.data, { recursive: true });
      copies.push(copy);
    }
    const starts = await Promise.allSettled(copies.map((copy) => copy.start()));
    const cwd = makeRepositoryOn(first, hosts, 'copied');
    const refusals = starts.flatMap((start) => (start.status === 'rejected' ? [String(start.reason)] : []));
    expect(refusals).toHaveLength(copies.length - 1);
    const thread = await environment.start({ workspace: { cwd, host: 'host-m' }, approvalPolicy: 'never' });
    for (let turns = 0; turns < 4; turns++) await runTurn(thread, 'run: hostname >> who');
    const names = readFileSync(join(first.files, 'copied', 'who'), 'utf8')
      .trim()
      .split('\n');
    const [name = ''] = names;
    expect(names).toEqual(Array(4).fill(name));
    for (const refusal of refusals) expect(refusal).toContain(`Host host-m is registered by machine ${name}, which`);
  });
});
