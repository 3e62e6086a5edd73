/** A thread on the page: its agents, its past, its settings and rules, and what a token may do with it. */
import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { Route } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { png } from '../../src/contract/test-images.ts';
import { findChromium } from '../browser.ts';
import { type TestEnvironment, runTurn, turn, waitForRequest } from '../environment.ts';
import { withBrowser } from '../parts/browser-test.ts';
import type { HttpStand } from '../parts/http-server.ts';
import { type Pages, addressOf, conversation, focused, violations } from '../parts/pages.ts';

const executable = findChromium();

let environment: TestEnvironment;
let stand: HttpStand;
let pages: Pages;

describe.skipIf(executable === undefined)('a thread on the page (skipped where no Chromium is installed)', () => {
  withBrowser(executable, (opened) => ({ environment, stand, pages } = opened));

  it('shows its agents as a tree, and a request of the deepest one is answered from the root', async () => {
    const cwd = environment.workspace();
    const thread = await environment.start({ title: 'Three floors', approvalPolicy: 'untrusted', workspace: { cwd } });
    await thread.submit(turn('spawn: spawn: run: touch from-below'));
    const request = await waitForRequest(thread);
    const page = await pages.open(addressOf(thread), stand);
    const tree = page.getByRole('list', { name: 'Agents', exact: true });
    // It is unfolded down to what waits.
    await tree.getByText('command: touch from-below').waitFor();
    const links = tree.getByRole('link');
    await expect.poll(() => links.count()).toBe(2);
    const asked = page.locator(`[data-request="${request.requestId}"]`);
    await asked.getByText(/^Asked by agent/).waitFor();
    await expect.poll(() => asked.locator('.path').getByRole('link').count()).toBe(2);
    expect(await violations(page)).toEqual([]);
    await page.evaluate('scrollTo(0, 0)');
    await asked.getByRole('button', { name: 'Approve', exact: true }).click();
    await asked.waitFor({ state: 'detached' });
    await expect.poll(() => existsSync(join(cwd, 'from-below')), { timeout: 60_000 }).toBe(true);
    await tree.getByText('command: touch from-below').waitFor({ state: 'detached' });

    await links.nth(1).click();
    await conversation(page).getByText('run: touch from-below').first().waitFor();
    await page.goBack();
    await page.getByRole('heading', { level: 1, name: 'Three floors' }).waitFor();
    await page.goForward();
    await page.getByRole('link', { name: 'another thread' }).waitFor();
  });

  it('sends images that are chosen or pasted, says of a file why it is none, and shows them in the conversation', async () => {
    const thread = await environment.start();
    const page = await pages.open(addressOf(thread), stand);
    const list = page.getByRole('list', { name: 'Images to send' });
    const name = '<img src=x onerror=alert(1)>\u202egnp.exe';
    await page.getByLabel('Attach images').setInputFiles({ name, mimeType: 'image/png', buffer: png(5, 4) });
    await list.getByText('<img src=x onerror=alert(1)>\\u{202e}gnp.exe, 5 × 4').waitFor();
    const svg = { name: 'a.png', mimeType: 'image/png', buffer: Buffer.from('<svg onload="alert(1)"/>') };
    await page.getByLabel('Attach images').setInputFiles(svg);
    await page
      .getByRole('alert')
      .getByText(/^Not attached: /)
      .waitFor();
    // The second comes while the first is stored, with one that is no image before it.
    await page.evaluate(`{
      const prompt = document.getElementById('prompt');
      const images = (...names) => {
        const data = new DataTransfer();
        for (const name of names)
          data.items.add(new File([name === 'no.png' ? 'no' : Uint8Array.from(${JSON.stringify([...png(7, 6)])})], name));
        return data;
      };
      const how = { bubbles: true, cancelable: true };
      prompt.dispatchEvent(new ClipboardEvent('paste', { clipboardData: images('pasted.png'), ...how }));
      prompt.dispatchEvent(new DragEvent('drop', { dataTransfer: images('no.png', 'dropped.png'), ...how }));
    }`);
    await list.getByText('dropped.png, 7 × 6').waitFor();
    await page
      .getByRole('alert')
      .getByText(/^Not attached: .*no\.png/)
      .waitFor();
    await list.getByText('pasted.png, 7 × 6').waitFor();
    await page.getByLabel('Attach images').setInputFiles({ name: 'not.png', mimeType: 'image/png', buffer: png(9, 9) });
    await page.getByRole('button', { name: 'Remove not.png' }).click();
    expect(await violations(page)).toEqual([]);
    expect(await page.evaluate<string>('document.body.outerHTML')).not.toContain('\u202e');

    await page.getByLabel('Prompt').fill('see:');
    await page.keyboard.press('Enter');
    await conversation(page)
      .getByText(/image\/png 5x4[^]*image\/png 7x6[^]*image\/png 7x6/)
      .waitFor();
    await expect.poll(() => list.count()).toBe(0);
    const shown = conversation(page).locator('figure.image img');
    await expect.poll(() => shown.count()).toBe(3);
    await expect.poll(() => page.evaluate(`document.querySelector('figure.image img').naturalWidth`)).toBe(5);
    expect(await page.evaluate<string>('document.body.outerHTML')).not.toContain('\u202e');
  });

  it('reverses an undo, removes turns from the conversation, and goes on from a turn in a new thread', async () => {
    const cwd = environment.workspace();
    const thread = await environment.start({ title: 'Many turns', workspace: { cwd } });
    await runTurn(thread, 'say: the first');
    await runTurn(thread, 'patch:\n*** Begin Patch\n*** Add File: second.txt\n+two\n*** End Patch');
    const page = await pages.open(addressOf(thread), stand);
    await page.getByRole('button', { name: 'Undo the newest turn' }).click();
    await page.getByRole('button', { name: 'Undo it' }).click();
    await conversation(page).getByRole('heading', { name: 'Undone' }).waitFor();
    await expect.poll(() => existsSync(join(cwd, 'second.txt')), { timeout: 60_000 }).toBe(false);
    await page.getByRole('button', { name: 'Redo' }).click();
    await conversation(page).getByRole('heading', { name: 'Restored' }).waitFor();
    await expect.poll(() => existsSync(join(cwd, 'second.txt')), { timeout: 60_000 }).toBe(true);
    await expect.poll(() => page.getByRole('button', { name: 'Redo' }).count()).toBe(0);

    await page.getByRole('button', { name: 'Roll back' }).click();
    await page.getByRole('button', { name: 'Remove 1 turn' }).click();
    await conversation(page).getByText('1 turn removed from the conversation').waitFor();
    expect(existsSync(join(cwd, 'second.txt'))).toBe(true);

    await conversation(page).getByRole('button', { name: 'Fork from here' }).first().click();
    await expect.poll(() => focused(page)).toBe('fork-from');
    expect(await page.getByLabel('Go on after').locator('option:checked').innerText()).toBe('say: the first');
    await page.getByRole('form', { name: 'Fork' }).getByLabel('Title').fill('Another way');
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Fork', exact: true }).dblclick();
    await page.getByRole('heading', { level: 1, name: 'Another way' }).waitFor();
    await page.getByRole('link', { name: 'an earlier thread' }).waitFor();
    await conversation(page).getByText('say: the first').first().waitFor();
    expect(await conversation(page).getByText('second.txt').count()).toBe(0);
  });

  it('makes a fork that was refused, with another choice, and not the refused one', async () => {
    const cwd = environment.workspace();
    const thread = await environment.start({ title: 'Lost files', workspace: { cwd } });
    await runTurn(thread, 'say: the first');
    renameSync(cwd, `${cwd}-away`);
    const page = await pages.open(addressOf(thread), stand);
    await conversation(page).getByRole('button', { name: 'Fork from here' }).first().click();
    const form = page.getByRole('form', { name: 'Fork' });
    await form.getByText('its own folder').click();
    const fork = form.getByRole('button', { name: 'Fork', exact: true });
    await fork.click();
    await form.getByRole('alert').getByText(cwd).waitFor();
    await fork.click();
    await form.getByRole('alert').getByText(cwd).waitFor();
    renameSync(`${cwd}-away`, cwd);
    await fork.click();
    await page.getByRole('link', { name: 'an earlier thread' }).waitFor();
    await conversation(page).getByText('say: the first').first().waitFor();
  });

  it('goes on in a tab that showed it closed, once it was opened again elsewhere', async () => {
    const thread = await environment.start({ title: 'Closed and opened' });
    await runTurn(thread, 'say: before');
    await thread.close();
    const page = await pages.open(addressOf(thread), stand);
    await conversation(page).getByText('The thread is closed').waitFor();
    await environment.bobbin.threads.resume(thread.threadId);
    await page.evaluate(`document.dispatchEvent(new Event('visibilitychange'))`);
    await page.getByLabel('Prompt').fill('say: again');
    await page.keyboard.press('Enter');
    await conversation(page)
      .getByText(/^again/)
      .waitFor();
    await expect.poll(() => page.getByText('You, sent').count()).toBe(0);
  });

  it('keeps what a person types while a prompt is sent', async () => {
    const thread = await environment.start();
    const page = await pages.open(addressOf(thread), stand);
    let send = () => Promise.resolve();
    const asked = new Promise<void>((resolve) => {
      const hold = (route: Route): void => {
        send = () => route.continue();
        resolve();
      };
      void page.route('**/turns', hold, { times: 1 });
    });
    const prompt = page.getByLabel('Prompt');
    await prompt.fill('say: one');
    await page.keyboard.press('Enter');
    await asked;
    await prompt.pressSequentially('say: two');
    await send();
    await conversation(page).getByText(/^one/).waitFor();
    await expect.poll(() => prompt.inputValue()).toBe('say: two');
    await page.keyboard.press('Enter');
    await conversation(page).getByText(/^two/).waitFor();
    await expect.poll(() => page.getByText('You, sent').count()).toBe(0);
  });

  it('shows its settings and rules, revokes a rule, and changes settings with a prompt', async () => {
    const thread = await environment.start({ title: 'Settled', approvalPolicy: 'untrusted' });
    await thread.submit(turn('run: touch twice'));
    const { requestId } = await waitForRequest(thread);
    const page = await pages.open(addressOf(thread), stand);
    const request = page.locator(`[data-request="${requestId}"]`);
    await request.getByRole('button', { name: 'Approve for this thread' }).click();
    await conversation(page)
      .getByText(/^Turn completed/)
      .waitFor();
    await page.getByText('Settings and rules').click();
    await page.getByText('asks before all but known reading commands (untrusted)').waitFor();
    const rule = page.locator('.rules li').filter({ hasText: 'touch twice' });
    await rule.getByRole('button', { name: 'Revoke' }).waitFor();
    expect(await violations(page)).toEqual([]);
    await page.evaluate('scrollTo(0, 0)');
    await rule.getByRole('button', { name: 'Revoke' }).click();
    await rule.waitFor({ state: 'detached' });
    expect((await thread.rules()).rules).toEqual([]);

    await page.getByText('Settings from this prompt on').click();
    await page.getByLabel('Sandbox').selectOption('read-only');
    await page.getByLabel('Approvals').selectOption('never');
    expect(await violations(page)).toEqual([]);
    await page.getByLabel('Prompt').fill('say: with other settings');
    await page.keyboard.press('Enter');
    await page.locator('.item.agentMessage').getByText('with other settings').waitFor();
    const { settings } = await thread.view();
    expect(settings).toMatchObject({ sandbox: 'read-only', approvalPolicy: 'never' });
    await page.getByText('never asks (never)').waitFor();
    await expect.poll(() => page.getByText(/\d changed/).count()).toBe(0);
  });

  it('offers a token only what it may do, and shows an owner no threads of others', async () => {
    const { secret } = await stand.tokens.add({ name: 'reader', scopes: ['read'], owner: null });
    const thread = await environment.start({ title: 'Only to read', approvalPolicy: 'untrusted' });
    await thread.submit(turn('run: touch unread'));
    const { requestId } = await waitForRequest(thread);
    const page = await pages.open(addressOf(thread), { url: stand.url, secret });
    const request = page.locator(`[data-request="${requestId}"]`);
    await request.getByText('Your token does not allow to answer.').waitFor();
    expect(await page.getByRole('button', { name: /Approve|Decline|Send|Interrupt|Undo|Fork/ }).count()).toBe(0);
    await thread.resolve({ requestId, decision: 'decline' });

    const owned = await stand.tokens.add({ name: 'owned', scopes: ['admin'], owner: 'bea' });
    const other = await pages.open('', { url: stand.url, secret: owned.secret });
    await other.getByText('Nothing is here yet.').waitFor();
    await expect.poll(() => other.getByRole('link', { name: 'Reviews' }).count()).toBe(0);
    expect(await other.getByText('Only to read').count()).toBe(0);
    await other.goto(`${stand.url}/${addressOf(thread)}`);
    await other.getByText(/There is no thread/).waitFor();
    expect(await violations(other)).toEqual([]);
  });
});
