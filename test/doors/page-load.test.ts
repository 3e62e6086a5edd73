/** What could make the page slow: long threads, floods, large texts, many threads. It tests bounds, not times. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Item, PartialEvent, ThreadRequest } from '../../src/contract/index.ts';
import { findChromium, launchChromium } from '../browser.ts';
import { openEnvironment, turn } from '../environment.ts';
import { startHttpStand } from '../parts/http-server.ts';
import { type Pages, addressOf, conversation, openPages, violations } from '../parts/pages.ts';
import { type Simulated, type SimulatedThread, simulateThread } from '../parts/simulated-thread.ts';

const executable = findChromium();
const LONG = { timeout: 60_000 };

const base = (index: number) => ({ id: `item_${index}`, turnId: `turn-${index}`, step: 1 });
const message = (index: number) => ({ ...base(index), type: 'agentMessage', text: `Message *${index}*` }) as Item;
const patchOf = (lines: number) =>
  [
    '*** Begin Patch',
    '*** Add File: big.txt',
    ...Array.from({ length: lines }, (_, at) => `+line ${at} ${'x'.repeat(30)}`),
  ]
    .concat('*** End Patch')
    .join('\n');

let browser: Browser;
let pages: Pages;
let simulated: Simulated | undefined;

async function show(thread: SimulatedThread): Promise<Page> {
  simulated = await simulateThread(thread);
  return pages.open('#/threads/big', { url: simulated.url, secret: 'bobbin_test' });
}

/** Bytes that are in use after a collection. */
async function heapOf(page: Page): Promise<number> {
  const session = await pages.context.newCDPSession(page);
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  return usedSize;
}

const entriesOf = (page: Page) => page.locator('[data-entry]').count();

describe.skipIf(executable === undefined)('the page under load (skipped where no Chromium is installed)', () => {
  beforeAll(async () => {
    browser = await launchChromium(executable!);
  });
  afterAll(() => browser.close());
  beforeEach(async () => {
    pages = await openPages(browser);
  });
  afterEach(async () => {
    await pages.close();
    await simulated?.close();
    simulated = undefined;
  });

  it('reads the newest part of a long thread, and earlier parts on demand', async () => {
    const items = Array.from({ length: 20_000 }, (_, index) => message(index));
    const page = await show({ items });
    await conversation(page).getByText('Message 19999').waitFor();
    await expect.poll(() => entriesOf(page), LONG).toBe(500);
    await expect
      .poll(() => simulated!.asked.filter((path) => path.includes('/events')), LONG)
      .toEqual(['/v1/threads/big/events?partial=true&after=19500']);
    await page.evaluate('scrollTo(0, 0)');
    const place = () =>
      page.evaluate<number>(`document.querySelector('[data-entry=item_19500]').getBoundingClientRect().top`);
    const before = await place();
    await page.getByRole('button', { name: 'Show earlier items' }).click();
    await expect.poll(() => entriesOf(page), LONG).toBe(600);
    // What was read is still where it was.
    await expect.poll(async () => Math.abs((await place()) - before)).toBeLessThan(5);
    expect(simulated!.asked.filter((path) => path.includes('/items'))).toEqual([
      '/v1/threads/big/items?after=19400&limit=100',
    ]);
    expect(await violations(page)).toEqual([]);
  });

  it('draws a flood of deltas a few times a second, and keeps only its end', async () => {
    let hold: () => void = () => undefined;
    const begun = new Promise<void>((resolve) => (hold = resolve));
    async function* flood(): AsyncGenerator<PartialEvent> {
      await begun;
      for (let count = 0; count < 60_000; count += 1) {
        // The last ones come one by one.
        if (count > 58_000) await delay(1);
        const delta = `word ${count} ${'y'.repeat(90)}\n`.slice(0, 100).padEnd(100, '.');
        yield { type: 'item/agentMessage/delta', turnId: 't', step: 1, attempt: 1, offset: count * 100, delta };
      }
      const offset = 60_000 * 100;
      yield { type: 'item/agentMessage/delta', turnId: 't', step: 1, attempt: 1, offset, delta: 'the end' };
    }
    const page = await show({ items: [message(0)], live: flood() });
    await conversation(page).getByText('Message 0').waitFor();
    const before = await heapOf(page);
    await page.evaluate(`
      window.drawn = 0;
      window.begun = performance.now();
      new MutationObserver(() => { window.drawn += 1; }).observe(document.querySelector('section.live'), { childList: true, subtree: true, characterData: true });
    `);
    hold();
    await page.locator('[data-live=message]').getByText('the end').waitFor({ timeout: 180_000 });
    const { drawn, ms } = await page.evaluate<{ drawn: number; ms: number }>(
      '({ drawn: window.drawn, ms: performance.now() - window.begun })',
    );
    expect(drawn).toBeGreaterThan(0);
    expect(drawn).toBeLessThan(ms / 50 + 60_000 / 1_000 + 10);
    expect((await page.locator('[data-live=message]').innerText()).length).toBeLessThan(25_000);
    expect((await heapOf(page)) - before).toBeLessThan(20_000_000);
  }, 240_000);

  it('folds an output of 10 MB and a diff of 1 MB, and shows a person who decides about one all of it', async () => {
    const patch = patchOf(25_000);
    const output = `${'z'.repeat(10_000_000)} the last words`;
    const ended = { status: 'completed', callId: 'c', output: '' };
    const items = [
      {
        ...{ ...base(0), ...ended, type: 'commandExecution', command: 'big', cwd: '/srv', source: 'agent' },
        ...{ exitCode: 0, durationMs: 1, output },
      },
      { ...base(1), ...ended, type: 'fileChange', patch, changes: [] },
    ] as unknown as Item[];
    const request = {
      ...{ type: 'fileChange', requestId: 'req_1', turnId: 't', itemId: null, openedAt: 0, deadlineAt: null },
      ...{ default: 'decline', reason: 'because', origin: null, paths: ['/srv/big.txt'] },
      patch: { text: patch, chars: patch.length },
    } as ThreadRequest;
    const page = await show({ items, requests: [request] });
    const shown = page.locator('[data-entry=item_0] .output');
    await shown.waitFor();
    expect((await shown.textContent())?.length).toBe(20_000);
    await page.getByRole('button', { name: 'Show the first 9,980,015 characters' }).click();
    await expect.poll(async () => (await shown.textContent())?.length, LONG).toBe(output.length);

    const folded = page.locator('[data-entry=item_1]');
    expect(await folded.locator('code').count()).toBe(200);
    await folded.getByRole('button', { name: 'Show all 25,003 lines' }).click();
    await expect.poll(() => folded.locator('code').count(), LONG).toBe(25_003);

    const decided = page.locator('.request .exact');
    expect(await decided.textContent()).toBe(`${patch}\n`);
    await expect.poll(() => page.getByRole('button', { name: 'Approve', exact: true }).isEnabled(), LONG).toBe(true);
    await page.getByLabel('Prompt').fill('still quick');
    expect(await page.getByLabel('Prompt').inputValue()).toBe('still quick');
  });

  it('lists a thousand threads on demand, and finds one of them', async () => {
    const page = await show({ items: [message(0)], threads: 1_000 });
    const list = page.getByRole('navigation', { name: 'Threads' });
    await list.getByText('Thread number 49').waitFor();
    expect(await list.getByRole('listitem').count()).toBe(50);
    await list.getByRole('button', { name: 'Show older threads' }).click();
    await list.getByText('Thread number 999').waitFor();
    expect(await list.getByRole('listitem').count()).toBe(1_000);
    expect(simulated!.asked).toContain('/v1/threads?ask=false&limit=1000');
    await list.getByLabel('Find a thread').fill('NUMBER 777');
    await expect.poll(() => list.getByRole('listitem').count(), LONG).toBe(1);
    expect(await violations(page)).toEqual([]);
  });

  it('stays with a real command that prints 15 MB', async () => {
    const environment = await openEnvironment();
    const stand = await startHttpStand(environment.bobbin);
    const thread = await environment.start({ sandbox: 'danger-full-access', approvalPolicy: 'never' });
    const page = await pages.open(addressOf(thread), stand);
    await page.getByLabel('Prompt').waitFor();
    await thread.submit(turn('run: seq 1 2000000'));
    const printed = conversation(page).locator('.commandExecution .output');
    await printed.getByText('2000000').waitFor();
    expect((await printed.textContent())?.length).toBeLessThan(41_000);
    await stand.close();
    await environment.close();
  });
});
