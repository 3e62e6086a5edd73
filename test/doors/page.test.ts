/** The page of `bobbin serve`, in a real browser. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { describe, expect, inject, it } from 'vitest';
import type { ThreadHandle } from '../../src/client/index.ts';
import { findChromium } from '../browser.ts';
import { type TestEnvironment, itemsOf, runTurn, turn, waitForEvent, waitForRequest } from '../environment.ts';
import { withBrowser } from '../parts/browser-test.ts';
import type { HttpStand } from '../parts/http-server.ts';
import { type Pages, addressOf, conversation, focused, violations } from '../parts/pages.ts';
import { findLastingPort } from '../parts/lasting-port.ts';
import { type Running, startCli } from '../parts/run-cli.ts';

const executable = findChromium();
const TIMEOUT_MS = 60_000;

let environment: TestEnvironment;
let stand: HttpStand;
let pages: Pages;

const open = (hash: string, where: { url: string; secret: string } = stand) => pages.open(hash, where);
const keysOf = (page: Page) =>
  page.evaluate<string[]>(`[...document.querySelectorAll('[data-entry]')].map(({ dataset }) => dataset.entry)`);
describe.skipIf(executable === undefined)('the page in Chromium (skipped where none is installed)', () => {
  const reopen = withBrowser(executable, (opened) => ({ environment, stand, pages } = opened));

  it('removes the token from the address and the history at once, and asks for one if it has none', async () => {
    const page = await open('');
    expect(page.url()).toBe(`${stand.url}/`);
    await page.goBack();
    expect(page.url()).not.toContain('token');

    const without = await pages.context.newPage();
    await without.goto(stand.url);
    await without.getByLabel('Token').fill('bobbin_wrong');
    await without.keyboard.press('Enter');
    await without.getByRole('heading', { name: 'Your token' }).waitFor();
    await without.getByLabel('Token').fill(stand.secret);
    await without.keyboard.press('Enter');
    await without.getByRole('navigation', { name: 'Threads' }).waitFor();
  });

  it('lists what waits for a person first, and applies a patch that is approved after reading its diff', async () => {
    const thread = await environment.start({ title: 'Mend the page', approvalPolicy: 'untrusted' });
    await environment.start({ title: 'Nothing to do' });
    const lines = Array.from({ length: 400 }, (_, index) => `+line ${index + 1}`);
    const patch = ['*** Begin Patch', '*** Add File: approved.txt', ...lines, '*** End Patch'].join('\n');
    await thread.submit(turn(`patch:\n${patch}`));
    const { requestId } = await waitForRequest(thread);
    const page = await open('');
    const waiting = page.getByRole('navigation').locator('section').filter({ hasText: 'Waiting for you' });
    await waiting.getByText('Mend the page').waitFor();
    expect(await page.getByRole('navigation').locator('section').first().innerText()).toContain('Waiting for you');
    // What it waits for is asked of its worker, which may be busy.
    await expect.poll(() => waiting.innerText()).toContain('approved.txt');

    await waiting.getByText('Mend the page').click();
    const request = page.locator(`[data-request="${requestId}"]`);
    const rows = request.getByRole('group', { name: 'The whole text' }).locator('code');
    await rows.first().waitFor();
    expect((await rows.allTextContents()).join('')).toBe(`${patch}\n`);
    expect(await rows.nth(2).getAttribute('class')).toBe('added');
    expect(existsSync(join(environment.cwd, 'approved.txt'))).toBe(false);
    expect(await violations(page)).toEqual([]);
    await request.getByRole('button', { name: 'Approve', exact: true }).click();
    await conversation(page).getByText('approved by person').waitFor();
    await request.waitFor({ state: 'detached' });
    await expect.poll(() => focused(page)).toBe('prompt');
    await conversation(page)
      .getByText(/^Turn completed/)
      .waitFor();
    expect(readFileSync(join(environment.cwd, 'approved.txt'), 'utf8')).toMatch(/line 400\n$/);
  });

  it('sends a prompt with Enter, shows output as it comes, and interrupts', async () => {
    const thread = await environment.start({ sandbox: 'danger-full-access', approvalPolicy: 'never' });
    const page = await open(addressOf(thread));
    await page.getByLabel('Prompt').fill('run: echo begun; sleep 600');
    await page.keyboard.press('Enter');
    await page.locator('[data-live] .output').getByText('begun').waitFor();
    await expect.poll(() => page.getByLabel('Prompt').inputValue()).toBe('');
    await page.getByRole('button', { name: 'Interrupt' }).click();
    await conversation(page).getByText('Turn stopped (interrupted)').waitFor();
    await page.getByRole('button', { name: 'Interrupt' }).waitFor({ state: 'detached' });
    const [command] = await itemsOf(thread, 'commandExecution');
    expect(command?.status).toBe('aborted');
  });

  it('starts a thread in a folder, and its first turn', async () => {
    const page = await open('');
    await page.getByText('New thread').click();
    await page.getByLabel('Folder').fill(environment.cwd);
    await page.getByLabel('Title').fill('From the page');
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'From the page' }).waitFor();
    await page.getByLabel('Prompt').fill('say: begun here');
    await page.keyboard.press('Enter');
    await page.locator('.item.agentMessage').getByText('begun here').waitFor();
  });

  it('starts a thread in a repository that a host fetches', async () => {
    const page = await open('');
    await page.getByText('New thread').click();
    await page.getByLabel('Works in').selectOption('repository');
    const repository = `file://${inject('repository')}`;
    await page.getByLabel('Repository').fill(repository);
    await page.getByLabel('Branch').fill('main');
    await page.getByLabel('Title').fill('In a clone');
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'In a clone' }).waitFor();
    const [, threadId = ''] = /#\/threads\/([^/?]+)$/.exec(page.url()) ?? [];
    const { settings } = await environment.bobbin.threads.get(threadId).view();
    expect(settings.managed).toMatchObject({ repository, ref: 'main' });
  });

  it('undoes the newest turn after showing what becomes of its files', async () => {
    const cwd = environment.workspace();
    const thread = await environment.start({ workspace: { cwd } });
    await runTurn(thread, 'patch:\n*** Begin Patch\n*** Add File: undo-me.txt\n+one\n*** End Patch');
    const page = await open(addressOf(thread));
    await page.getByRole('button', { name: 'Undo the newest turn' }).click();
    await page.getByRole('listitem').filter({ hasText: 'undo-me.txt: deleted' }).waitFor();
    expect(existsSync(join(cwd, 'undo-me.txt'))).toBe(true);
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Undo it' }).click();
    await conversation(page).getByRole('heading', { name: 'Undone' }).waitFor();
    expect(existsSync(join(cwd, 'undo-me.txt'))).toBe(false);
  });

  it('shows agents with links to their threads, and back', async () => {
    const thread = await environment.start();
    await runTurn(thread, 'spawn: say: I am below');
    const page = await open(addressOf(thread));
    await page.getByRole('list', { name: 'Agents' }).getByRole('link').click();
    await conversation(page).getByText('I am below').first().waitFor();
    await page.getByRole('link', { name: 'another thread' }).click();
    await conversation(page).getByText('spawn: say: I am below').first().waitFor();
  });

  it('answers a question with one of its options', async () => {
    const thread = await environment.start();
    await thread.submit(turn('ask: Which colour? | red | blue'));
    await waitForRequest(thread);
    const page = await open(addressOf(thread));
    await page.getByRole('radio', { name: 'blue' }).check();
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Answer', exact: true }).click();
    await conversation(page)
      .getByText(/^Turn completed/)
      .waitFor();
    const [asked] = await itemsOf(thread, 'userInput');
    expect(Object.values(asked?.answers ?? {})).toEqual([{ answers: ['blue'] }]);
  });

  it('has no gap and no repeat after a reload in the middle of a stream', async () => {
    const thread = await environment.start();
    const submitted = turn('say: first\nstream: 150 40');
    await thread.submit(submitted);
    const page = await open(addressOf(thread));
    await page.locator('[data-live=message]').getByText('first').waitFor();
    await page.reload();
    // On a slow machine the stream may have ended meanwhile.
    await page.locator('[data-live=message], .item.agentMessage').first().waitFor();
    await conversation(page)
      .getByText(/^Turn completed/)
      .waitFor();
    await expectSame(page, thread);
  });

  it('says that a killed server does not answer, and goes on when it is back, in two tabs', async () => {
    const thread = await environment.start({ sandbox: 'danger-full-access', approvalPolicy: 'never' });
    const port = await findLastingPort();
    const first = await serve(port);
    const tabs = [await open(addressOf(thread), first), await open(addressOf(thread), first)];
    await tabs[0]!.getByLabel('Prompt').fill('run: until [ -e go-on ]; do sleep 0.1; done; echo gone on');
    await tabs[0]!.keyboard.press('Enter');
    for (const page of tabs) await conversation(page).getByText('until [ -e go-on ]').first().waitFor();
    first.running.child.kill('SIGKILL');
    await first.running.ended;
    for (const page of tabs) await page.getByText(/^Not up to date/).waitFor();
    await tabs[0]!.getByLabel('Prompt').fill('say: after');
    await tabs[0]!.keyboard.press('Enter');
    await tabs[0]!.getByText(/^Not sent/).waitFor();
    const shell = turn('touch go-on', { kind: 'user_shell' });
    await thread.submit(shell);
    await waitForEvent(thread, 'turn/completed');

    const second = await serve(port);
    for (const page of tabs) await page.getByText(/^Not up to date/).waitFor({ state: 'detached' });
    await tabs[0]!.getByLabel('Prompt').press('Enter');
    for (const page of tabs) {
      await expect
        .poll(() => page.locator('.item.userMessage').allInnerTexts())
        .toContainEqual(expect.stringContaining('say: after'));
      await page.locator('.item.agentMessage').getByText('after').waitFor();
      await expect.poll(async () => (await thread.view()).activeTurn).toBe(null);
      await expectSame(page, thread);
    }
    second.running.child.kill('SIGTERM');
    await second.running.ended;
  });

  it('says so once if a thread has ended without closing', async () => {
    const thread = await environment.start();
    await runTurn(thread, 'say: the last words');
    const page = await open(addressOf(thread));
    await conversation(page).getByText('the last words').first().waitFor();
    await environment.bobbin.service.client.workflow.getHandle(thread.workflowId).terminate();
    await page.getByText('has ended without closing').waitFor();
    expect(await page.getByText(/^Not up to date/).count()).toBe(0);
  });

  it('shows what a hostile model, file or name says as text', async () => {
    const evil = '<img src="http://192.0.2.1/x" onerror="alert(1)"><script>alert(2)</script>';
    const thread = await environment.start({
      ...{ title: `${evil}\u202eeltit`, sandbox: 'danger-full-access', approvalPolicy: 'untrusted' },
    });
    const says = [
      `say: ${evil}`,
      'say: [click](javascript:alert(3)) [data](data:text/html,x) ![image](http://192.0.2.1/y)',
      'say: [bank](https://example.com/away) and \u202ereversed\u202c',
      `run: echo '${evil}' # \u202egnihton`,
    ];
    await thread.submit(turn(says.join('\n')));
    await waitForRequest(thread);
    const page = await open(addressOf(thread));
    const command = page.getByRole('group', { name: 'The whole text' });
    await command.getByText('\\u{202e}gnihton').waitFor();
    expect(await page.getByRole('heading', { level: 1 }).innerText()).toBe(`${evil}\\u{202e}eltit`);
    await page.getByRole('button', { name: 'Approve', exact: true }).click();
    await conversation(page)
      .getByText(/^Turn completed/)
      .waitFor();
    const text = await conversation(page).innerText();
    for (const shown of [evil, '[click](javascript:alert(3))', '![image](http://192.0.2.1/y)', '\\u{202e}reversed'])
      expect(text).toContain(shown);
    expect(text).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/);
    const links = page.locator('main a');
    expect(await links.count()).toBe(1);
    expect(await links.getAttribute('href')).toBe('https://example.com/away');
    expect(await links.getAttribute('rel')).toBe('noopener noreferrer');
    expect(await page.locator('main img, main script, main iframe').count()).toBe(0);
    expect(await violations(page)).toEqual([]);
  });

  it('fits a phone, in the dark, and is used with the keyboard alone', async () => {
    const thread = await environment.start({ title: 'On the phone', approvalPolicy: 'untrusted' });
    await thread.submit(turn(`run: touch from-the-phone-${'x'.repeat(300)}`));
    const { requestId } = await waitForRequest(thread);
    await reopen({ viewport: { width: 360, height: 640 }, colorScheme: 'dark' });
    const page = await open('');
    const link = page.getByRole('link', { name: /On the phone/ });
    await link.waitFor();
    expect(await violations(page)).toEqual([]);
    await link.press('Enter');
    const request = page.locator(`[data-request="${requestId}"]`);
    await request.waitFor();
    await expect.poll(() => focused(page)).toBe('On the phone');
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
    const decline = request.getByRole('button', { name: 'Decline', exact: true });
    await expect.poll(() => decline.isEnabled()).toBe(true);
    expect(await violations(page)).toEqual([]);
    await tabTo(page, 'Decline');
    await page.keyboard.press('Space');
    await conversation(page).getByText('declined by person').waitFor();
  });
});

/** Every item of the thread that a person sees is there once, in order, with the whole text of each message. */
async function expectSame(page: Page, thread: ThreadHandle): Promise<void> {
  const shown = (await itemsOf(thread)).filter(({ type }) => type !== 'ghostSnapshot' && type !== 'reasoning');
  const isItem = (key: string) => key.startsWith('item_');
  // Markdown shows no backticks.
  const words = (text: string) => text.replaceAll('`', '').split(/\s+/).join(' ').trim();
  await expect.poll(async () => (await keysOf(page)).filter(isItem)).toEqual(shown.map(({ id }) => id));
  const keys = await keysOf(page);
  expect(keys).toEqual([...new Set(keys)]);
  for (const item of shown) {
    if (item.type !== 'agentMessage') continue;
    const text = await page.locator(`[data-entry=${item.id}] .markdown`).innerText();
    expect(words(text)).toBe(words(item.text));
  }
  await expect.poll(() => page.locator('[data-live]').count()).toBe(0);
}

async function tabTo(page: Page, name: string): Promise<void> {
  for (let presses = 0; presses < 60; presses += 1) {
    await page.keyboard.press('Tab');
    if ((await focused(page)) === name) return;
  }
  throw new Error(`Tab does not reach ${name}`);
}

interface Served {
  url: string;
  secret: string;
  running: Running;
}

/** The real program, with the data folder of the environment. */
async function serve(port: number): Promise<Served> {
  const args = ['serve', '--listen', `127.0.0.1:${port}`, '--data-dir', environment.data];
  const running = startCli(args, { env: environment.env });
  const printed = /(http:\S+)\/#token=(\S+)/;
  await expect.poll(() => running.said.stdout + running.said.stderr, { timeout: TIMEOUT_MS }).toMatch(printed);
  const [, url = '', secret = ''] = printed.exec(running.said.stdout) ?? [];
  return { url, secret, running };
}
