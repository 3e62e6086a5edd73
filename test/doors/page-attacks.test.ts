/** The page against hostile text, other pages, lost answers, two hands and a hurried finger. */
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Page, Route } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import type { ThreadHandle } from '../../src/client/index.ts';
import { findChromium } from '../browser.ts';
import { type TestEnvironment, runTurn, turn, waitForRequest } from '../environment.ts';
import { withBrowser } from '../parts/browser-test.ts';
import type { HttpStand } from '../parts/http-server.ts';
import { type Pages, addressOf, conversation, focused, violations } from '../parts/pages.ts';
import { makeRepository } from '../parts/repositories.ts';

const executable = findChromium();
const LONG = { timeout: 60_000 };
const EVIL = '<img src=x onerror=alert(1)>\u202egnp\u200b';
const SPELLED = '<img src=x onerror=alert(1)>\\u{202e}gnp\\u{200b}';

let environment: TestEnvironment;
let stand: HttpStand;
let pages: Pages;

const open = (hash: string) => pages.open(hash, stand);

/** The server does what it is asked for, and its first answer is lost. Returns how often it was asked. */
async function loseAnswer(page: Page, path: string): Promise<() => number> {
  let asked = 0;
  await page.route(`**${path}`, async (route: Route) => {
    if (route.request().method() !== 'POST') return route.continue();
    asked += 1;
    if (asked > 1) return route.continue();
    await route.fetch();
    await route.abort('connectionreset');
  });
  return () => asked;
}

/** The page does not notice that its thread changes, until the function that is returned is called. */
async function hideChanges(page: Page, { threadId }: { threadId: string }): Promise<() => Promise<void>> {
  const path = `**/v1/threads/${threadId}`;
  const held: Route[] = [];
  await page.route(path, (route) => void held.push(route));
  return async () => {
    await page.unroute(path);
    await Promise.all(held.map((route) => route.continue()));
  };
}

/** The page has read a thread with so many more turns than now. What is opened before that is closed by it. */
async function readsTurns(page: Page, thread: ThreadHandle, more: number): Promise<() => Promise<unknown>> {
  const turnCount = (await thread.view()).turnCount + more;
  const read = page.waitForResponse(async (response) => {
    if (!response.url().endsWith(`/v1/threads/${thread.threadId}`)) return false;
    const view = (await response.json().catch(() => null)) as { turnCount?: number } | null;
    return view?.turnCount === turnCount;
  }, LONG);
  return () => read;
}

describe.skipIf(executable === undefined)('the page attacked (skipped where no Chromium is installed)', () => {
  withBrowser(executable, (opened) => ({ environment, stand, pages } = opened));

  it('shows hostile names, findings, reasons and notes as text, in every view', async () => {
    const folder = join(environment.cwd, '..', `x${EVIL.replaceAll('/', '')}`);
    const repository = makeRepository(folder, { [`${EVIL}.ts`]: `// TODO: ${EVIL}\n` });
    const thread = await environment.start({ title: EVIL, workspace: { cwd: repository } });
    await thread.submit(turn(`ask: ${EVIL} | ${EVIL}`));
    await waitForRequest(thread);
    const batch = await environment.bobbin.batches.start({ targets: [{ repository }] });
    await batch.follow();
    const [row] = await rowsOf(batch);
    await environment.bobbin.ledgers.get(row!.targetId).dismiss({ findingId: 'f1', why: EVIL, by: EVIL });
    const scheduleId = `hostile-${Date.now()}`;
    await environment.bobbin.schedules.create(scheduleId, {
      ...{ times: { calendars: [{ hour: 2, comment: EVIL }] }, batch: { targets: [{ repository }] } },
      ...{ paused: true, note: EVIL },
    });

    const page = await open(addressOf(thread));
    await page.getByRole('group').getByText(SPELLED).first().waitFor();
    await page.getByText('Settings and rules').click();
    for (const hash of [`#/batches/${batch.batchId}`, `#/targets/${row!.targetId}`, `#/schedules/${scheduleId}`]) {
      await page.goto(`${stand.url}/${hash}`);
      await page.getByRole('heading', { level: 1 }).waitFor();
      if (!hash.includes('schedules')) {
        await page.getByLabel('Which findings').selectOption('all');
        await page.locator('.finding summary').click();
        await page.getByText(`by ${SPELLED}: ${SPELLED}`).waitFor();
      } else await page.getByText(SPELLED).first().waitFor();
      expect(await page.locator('main img, main script, main iframe').count()).toBe(0);
      expect(await page.evaluate('document.body.innerText + document.title')).not.toMatch(/[\u200b\u202a-\u202e]/);
      expect(await page.evaluate<string>('document.body.outerHTML')).not.toMatch(/[\u200b\u202a-\u202e]/);
      expect(await violations(page)).toEqual([]);
    }
    await environment.bobbin.schedules.get(scheduleId).delete();
    await thread.close();
  });

  it('names a thread whose title is blank by its id', async () => {
    const thread = await environment.start({ title: ' \t ' });
    const page = await open(addressOf(thread));
    await page.getByRole('heading', { level: 1, name: thread.threadId }).waitFor();
    await page.getByRole('navigation').getByRole('link', { name: thread.threadId }).waitFor();
    expect(await violations(page)).toEqual([]);
    await thread.close();
  });

  it('gives its token to no other page: no referrer, no opener, no frame', async () => {
    const seen: IncomingMessage[] = [];
    const other = createServer((request, response) => {
      seen.push(request);
      response.setHeader('content-type', 'text/html');
      response.end(`<title>other</title><iframe src="${stand.url}/"></iframe>`);
    }).listen(0, '127.0.0.1');
    await once(other, 'listening');
    const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    const thread = await environment.start();
    await runTurn(thread, `say: [out](${url}/out)`);
    const page = await open(addressOf(thread));
    const opened = pages.context.waitForEvent('page');
    await conversation(page).getByRole('link', { name: 'out', exact: true }).first().click();
    const tab = await opened;
    await tab.waitForLoadState();
    expect(seen[0]!.headers.referer).toBeUndefined();
    expect(await tab.evaluate('window.opener === null && sessionStorage.length === 0')).toBe(true);
    const framed = tab.frames()[1]!;
    await framed.waitForLoadState();
    expect(await framed.locator('#page').count()).toBe(0);
    await tab.close();
    other.closeAllConnections();
    other.close();
  });

  it('asks for a token again when its own was removed', async () => {
    const { token, secret } = await stand.tokens.add({ name: 'short', scopes: ['admin'], owner: null });
    const thread = await environment.start();
    const page = await pages.open(addressOf(thread), { url: stand.url, secret });
    await page.getByLabel('Prompt').waitFor();
    await stand.tokens.remove(token.id);
    await page.getByRole('heading', { name: 'Your token' }).waitFor();
    expect(await page.evaluate('JSON.stringify({ ...sessionStorage })')).toBe('{}');
    expect(await violations(page)).toEqual([]);
  });

  it('takes an answer once from two tabs, and arms the next request only after a moment', async () => {
    const cwd = environment.workspace();
    const thread = await environment.start({ approvalPolicy: 'untrusted', workspace: { cwd } });
    await thread.submit(turn('spawn: run: touch first\nspawn: run: touch second'));
    await expect.poll(async () => (await thread.view()).openRequests.length, LONG).toBe(2);
    const [page, other] = [await open(addressOf(thread)), await open(addressOf(thread))];
    const approve = (tab: Page) =>
      tab.locator('.request').first().getByRole('button', { name: 'Approve', exact: true });
    for (const tab of [page, other]) await expect.poll(() => approve(tab).isEnabled(), LONG).toBe(true);
    // Where the answered request was, the next one is now: a second click does not answer it.
    await page.clock.pauseAt(Date.now() + 5_000);
    await approve(page).click();
    await expect.poll(() => page.locator('.request').count(), LONG).toBe(1);
    expect(await approve(page).isDisabled()).toBe(true);
    await page.clock.resume();
    await expect.poll(() => other.locator('.request').count(), LONG).toBe(1);
    expect((await thread.view()).openRequests.filter(({ origin }) => !origin!.answered)).toHaveLength(1);

    for (const tab of [page, other]) await expect.poll(() => approve(tab).isEnabled(), LONG).toBe(true);
    const click = `document.querySelector('.request button.approve')?.click()`;
    await Promise.all([page, other].map((tab) => tab.evaluate(click)));
    for (const tab of [page, other]) await expect.poll(() => tab.locator('.request').count(), LONG).toBe(0);
    await expect.poll(() => ['first', 'second'].map((name) => existsSync(join(cwd, name))), LONG).toEqual([true, true]);
  });

  it('makes the thread of the form as it is now, if the form was changed after an answer was lost', async () => {
    const page = await open('');
    await page.getByText('New thread').click();
    const form = page.getByRole('form', { name: 'New thread' });
    await form.getByLabel("Folder on the worker's machine").fill(environment.cwd);
    await form.getByLabel('Title').fill('As it was');
    const asked = await loseAnswer(page, '/v1/threads');
    const start = form.getByRole('button', { name: 'Start' });
    await start.click();
    await form
      .getByRole('alert')
      .getByText(/does not answer/)
      .waitFor();
    await form.getByLabel('Title').fill('As it is now');
    await start.click();
    await page.getByRole('heading', { level: 1, name: 'As it is now' }).waitFor();
    expect(asked()).toBe(2);
  });

  it('does once what is sent again after its answer was lost', async () => {
    const cwd = environment.workspace();
    mkdirSync(cwd, { recursive: true });
    writeFileSync(join(cwd, 'kept.txt'), 'kept\n');
    const thread = await environment.start({ title: 'Lost answers', workspace: { cwd } });
    for (const name of ['one', 'two', 'three'])
      await runTurn(thread, `patch:\n*** Begin Patch\n*** Add File: ${name}.txt\n+${name}\n*** End Patch`);
    const page = await open(addressOf(thread));
    const exists = () => ['one', 'two', 'three'].map((name) => existsSync(join(cwd, `${name}.txt`)));

    const undos = await loseAnswer(page, '/undo');
    await page.getByRole('button', { name: 'Undo the newest turn' }).click();
    const showChanges = await hideChanges(page, thread);
    await page.getByRole('button', { name: 'Undo it' }).click();
    await page
      .getByRole('alert')
      .getByText(/does not answer/)
      .waitFor();
    await conversation(page).getByRole('heading', { name: 'Undone' }).waitFor();
    await page.getByRole('button', { name: 'Undo it' }).click();
    await expect.poll(undos).toBe(2);
    await showChanges();
    await expect.poll(async () => (await thread.view()).activeTurn, LONG).toBe(null);
    expect(exists()).toEqual([true, true, false]);

    const redos = await loseAnswer(page, '/redo');
    const readsRedo = await readsTurns(page, thread, 1);
    await page.getByRole('button', { name: 'Redo' }).click();
    await expect.poll(redos).toBe(1);
    await conversation(page).getByRole('heading', { name: 'Restored' }).waitFor();
    await readsRedo();
    expect(exists()).toEqual([true, true, true]);

    // What was opened is closed when somebody else undoes a turn: a click would now undo the one before.
    await page.getByRole('button', { name: 'Undo the newest turn' }).click();
    await page.getByRole('button', { name: 'Undo it' }).waitFor();
    const readsBoth = await readsTurns(page, thread, 2);
    await thread.undo();
    await page.getByRole('button', { name: 'Undo it' }).waitFor({ state: 'detached' });
    await thread.redo();
    await readsBoth();
    expect(exists()).toEqual([true, true, true]);

    const rollbacks = await loseAnswer(page, '/rollback');
    await page.getByRole('button', { name: 'Roll back' }).click();
    await page.getByRole('button', { name: 'Remove 1 turn' }).click();
    await page.getByText('The turns may be removed.').waitFor();
    expect(await page.getByRole('button', { name: 'Remove 1 turn' }).isDisabled()).toBe(true);
    expect(rollbacks()).toBe(1);
    await page.getByRole('button', { name: 'Keep them' }).click();

    const forks = await loseAnswer(page, '/fork');
    await page.getByRole('button', { name: 'Fork …' }).click();
    await page.getByRole('button', { name: 'Fork', exact: true }).click();
    await page
      .getByRole('alert')
      .getByText(/does not answer/)
      .waitFor();
    await page.getByRole('button', { name: 'Fork', exact: true }).click();
    await page.getByRole('link', { name: 'an earlier thread' }).waitFor();
    expect(forks()).toBe(2);

    const turns = await loseAnswer(page, '/turns');
    await page.getByLabel('Prompt').fill('say: only once');
    await page.keyboard.press('Enter');
    await page.getByText(/^Not sent: .* Your text is kept/).waitFor();
    await page.getByLabel('Prompt').press('Enter');
    await expect.poll(turns).toBe(2);
    await expect.poll(() => page.getByLabel('Prompt').inputValue(), LONG).toBe('');
    await conversation(page)
      .getByText(/^Turn completed/)
      .waitFor();
    expect(await conversation(page).getByText('say: only once').count()).toBe(1);
  }, 240_000);

  it('does once what is sent again after its answer was lost, of a schedule, a finding and a batch', async () => {
    const repository = makeRepository(join(environment.cwd, '..', 'lost'), { 'a.ts': '// TODO: x\n' });
    const scheduleId = `lost-${Date.now()}`;
    const { schedule } = await environment.bobbin.schedules.create(scheduleId, {
      ...{ times: { cron: ['0 3 1 1 *'] }, batch: { targets: [{ repository }] } },
    });
    const page = await open(`#/schedules/${scheduleId}`);
    const button = (name: string) => page.getByRole('button', { name, exact: true });
    const lost = page.getByRole('alert').getByText(/does not answer/);

    const triggers = await loseAnswer(page, '/trigger');
    await button('Run now').click();
    await lost.waitFor();
    await page.locator('.runs li').waitFor();
    await button('Run now').click();
    await lost.waitFor({ state: 'detached' });
    await expect.poll(triggers).toBe(2);
    await page
      .locator('.runs li')
      .getByText(/completed: 1 reviewed/)
      .waitFor();
    const [run, ...others] = await schedule.runs();
    expect(others).toEqual([]);

    const pauses = await loseAnswer(page, '/pause');
    await page.getByLabel('Note (optional)').fill('release week');
    await button('Pause').click();
    await lost.waitFor();
    await button('Resume').waitFor();
    expect([pauses(), await page.getByLabel('Note (optional)').inputValue()]).toEqual([1, 'release week']);
    expect(await schedule.describe()).toMatchObject({ paused: true, note: 'release week' });
    await schedule.delete();

    await page.goto(`${stand.url}/#/batches/${run!.batchId}`);
    const dismissals = await loseAnswer(page, '/dismiss');
    await page.locator('.finding summary').click();
    await button('Dismiss …').click();
    await page.getByLabel('Why it does not count').fill('known');
    await button('Dismiss').click();
    await page.locator('.finding').waitFor({ state: 'detached' });
    expect(dismissals()).toBe(1);
    const [row] = await rowsOf(environment.bobbin.batches.get(run!.batchId));
    const { findings } = await environment.bobbin.ledgers.get(row!.targetId).view();
    expect(findings).toMatchObject([{ state: 'dismissed', dismissal: { why: 'known' } }]);

    const targets = Array.from({ length: 4 }, (_, index) => ({ repository: `${repository}-${index}` }));
    const batch = await environment.bobbin.batches.start({ targets, reviewsPerMinute: 1 });
    await page.goto(`${stand.url}/#/batches/${batch.batchId}`);
    const cancels = await loseAnswer(page, '/cancel');
    await button('Cancel').click();
    await lost.waitFor();
    await button('Cancel').waitFor({ state: 'detached' });
    expect(cancels()).toBe(1);
    await expect.poll(() => batch.view(), LONG).toMatchObject({ status: 'cancelled' });
  }, 240_000);

  it('says that an answer may not have arrived, and shows what became of it', async () => {
    const thread = await environment.start({
      approvalPolicy: 'untrusted',
      workspace: { cwd: environment.workspace() },
    });
    await thread.submit(turn('run: touch lost'));
    const { requestId } = await waitForRequest(thread);
    const page = await open(addressOf(thread));
    await loseAnswer(page, `/requests/${requestId}`);
    const approve = page.getByRole('button', { name: 'Approve', exact: true });
    await expect.poll(() => approve.isEnabled(), LONG).toBe(true);
    await approve.click();
    await page.getByText(`Your answer to ${requestId} may not have arrived`).waitFor();
    await conversation(page)
      .getByText(/^Turn completed/)
      .waitFor();
    await page.locator('.request').waitFor({ state: 'detached' });
    await expect.poll(() => focused(page)).toBe('prompt');
  });

  it('leaves its connection to others while it is hidden, and goes on where it was', async () => {
    const thread = await environment.start();
    await runTurn(thread, 'say: before');
    const page = await open(addressOf(thread));
    await conversation(page).getByText('before').first().waitFor();
    await page.clock.install();
    const hide = (hidden: boolean) =>
      page.evaluate(`Object.defineProperty(document, 'hidden', { configurable: true, value: ${hidden} });
        document.dispatchEvent(new Event('visibilitychange'))`);
    const ended = page.waitForEvent('requestfailed', (request) => request.url().includes('/events'));
    await hide(true);
    await page.clock.runFor(11_000);
    await ended;
    await runTurn(thread, 'say: meanwhile');
    expect(await conversation(page).getByText('meanwhile').count()).toBe(0);
    await hide(false);
    await page.clock.runFor(1_000);
    await conversation(page).getByText('meanwhile').first().waitFor();
    expect(await page.getByText(/^Not up to date/).count()).toBe(0);
  });
});

async function rowsOf(batch: { rows(): AsyncIterable<{ targetId: string }> }): Promise<{ targetId: string }[]> {
  const rows: { targetId: string }[] = [];
  for await (const row of batch.rows()) rows.push(row);
  return rows;
}
