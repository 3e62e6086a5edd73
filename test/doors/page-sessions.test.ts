/** Commands that were left running, on the page: while they run, as they end, and when a person stops them. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { findChromium } from '../browser.ts';
import { type TestEnvironment, itemsOf, runTurn, turn } from '../environment.ts';
import { isAlive } from '../kill/marked-processes.ts';
import { withBrowser } from '../parts/browser-test.ts';
import type { HttpStand } from '../parts/http-server.ts';
import { type Pages, addressOf, conversation, violations } from '../parts/pages.ts';

const executable = findChromium();

let environment: TestEnvironment;
let stand: HttpStand;
let pages: Pages;

/** Says each thing when its file is there; the last line is the end. */
const waitFor = (file: string) => `until [ -e ${file} ]; do sleep 0.05; done`;
const MARKUP = '<img src=x onerror=alert(1)>';
const GROWN = /^pid \d+\none\n<img src=x onerror=alert\(1\)>\n$/;
const COMMAND = `echo "pid $$" # <b>\u202e\necho one; ${waitFor('two')}; echo '${MARKUP}'; ${waitFor('three')}; exit 3`;

async function startLeft() {
  const cwd = environment.workspace();
  const thread = await environment.start({
    title: 'A watch mode',
    workspace: { cwd },
    sandbox: 'danger-full-access',
  });
  await runTurn(thread, `call: exec_command ${JSON.stringify({ cmd: COMMAND, yield_time_ms: 250 })}\nsay: it runs`);
  const [session] = (await thread.view()).sessions ?? [];
  const id = session?.sessionId ?? -1;
  return { thread, id, touch: (name: string) => writeFileSync(join(cwd, name), '') };
}

const live = (page: Page, id: number) => page.locator(`[data-session="${id}"]`);
const items = (page: Page) => conversation(page).locator('article.commandSession');
const left = (page: Page) => page.getByText('1 command left running');
const outputOf = (article: Locator) => article.getByRole('group', { name: 'Output' });
async function shows(page: Page, id: number, output: RegExp): Promise<void> {
  await expect.poll(() => outputOf(live(page, id)).innerText(), { timeout: 60_000 }).toMatch(output);
}
async function pidIn(page: Page, id: number): Promise<number> {
  await shows(page, id, /pid \d+/);
  return Number(/pid (\d+)/.exec(await outputOf(live(page, id)).innerText())?.[1]);
}

describe.skipIf(executable === undefined)('a session on the page (skipped where no Chromium is installed)', () => {
  withBrowser(executable, (opened) => ({ environment, stand, pages } = opened));

  it('shows that it runs, its output as it grows, also in a tab that comes later, and how it ended', async () => {
    const { thread, id, touch } = await startLeft();
    const page = await pages.open(addressOf(thread), stand);
    await left(page).waitFor();
    await items(page).getByText('running', { exact: true }).waitFor();
    await shows(page, id, /^pid \d+\none\n$/);
    await live(page, id).getByText('# <b>\\u{202e}').waitFor();
    touch('two');
    await shows(page, id, GROWN);

    const later = await pages.open(addressOf(thread), stand);
    await shows(later, id, GROWN);
    for (const tab of [page, later]) {
      expect(await tab.evaluate<number>(`document.querySelectorAll('img[src="x"], .item b').length`)).toBe(0);
      expect(await tab.evaluate<string>('document.body.outerHTML')).not.toContain('\u202e');
    }
    expect(await violations(page)).toEqual([]);

    touch('three');
    await items(page)
      .getByText(/exit code 3/)
      .waitFor();
    expect(await outputOf(items(page)).innerText()).toMatch(GROWN);
    await items(page).getByText('failed', { exact: true }).waitFor();
    await live(page, id).waitFor({ state: 'detached' });
    await left(page).waitFor({ state: 'detached' });
    expect(await items(page).count()).toBe(1);
    expect(await violations(page)).toEqual([]);
  });

  it('ends with the turn that a person interrupts', async () => {
    const { thread, id } = await startLeft();
    await thread.submit(turn('hang:'));
    const page = await pages.open(addressOf(thread), stand);
    const pid = await pidIn(page, id);
    expect(isAlive(pid)).toBe(true);
    await page.getByRole('button', { name: 'Interrupt' }).click();
    await items(page).getByText('aborted', { exact: true }).waitFor();
    await live(page, id).waitFor({ state: 'detached' });
    await left(page).waitFor({ state: 'detached' });
    expect(isAlive(pid)).toBe(false);
  });

  it('ends without a turn when a person says so, and not for a token that may only read', async () => {
    const { thread, id } = await startLeft();
    const page = await pages.open(addressOf(thread), stand);
    const pid = await pidIn(page, id);
    const end = { name: 'End what was left running' };
    const { secret } = await stand.tokens.add({ name: 'reader', scopes: ['read'], owner: null });
    const reading = await pages.open(addressOf(thread), { url: stand.url, secret });
    await shows(reading, id, /one/);
    expect(await reading.getByRole('button', end).count()).toBe(0);
    await page.getByRole('button', end).click();
    await items(page).getByText('aborted', { exact: true }).waitFor();
    await items(reading).getByText('aborted', { exact: true }).waitFor();
    await page.getByRole('button', end).waitFor({ state: 'detached' });
    expect(isAlive(pid)).toBe(false);
    expect(await itemsOf(thread, 'commandSession')).toMatchObject([{ sessionId: id, status: 'aborted' }]);
  });
});
