/** For tests: the page in a real browser. It notes what the page asks for, and what the browser complains of. */
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { AxeResults } from 'axe-core';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { expect, onTestFailed } from 'vitest';
import type { ThreadHandle } from '../../src/client/index.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** A wait ends when it is satisfied, so this is only for a busy machine. */
const TIMEOUT_MS = 60_000;
const IMAGES = join(import.meta.dirname, '../../docs/images');

export interface Pages {
  context: BrowserContext;
  /** A tab with the token, at an address behind `#`; empty for the list of threads. */
  open(hash: string, where: { url: string; secret: string }): Promise<Page>;
  /** Nothing was asked of another machine, and no policy was violated. */
  close(): Promise<void>;
}

export async function openPages(browser: Browser, options: BrowserContextOptions = {}): Promise<Pages> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const requested: string[] = [];
  const complaints: string[] = [];
  /** What each tab showed when it was closed. */
  const shown = new Map<Page, string>();
  const watch = (page: Page): void => {
    page.setDefaultTimeout(TIMEOUT_MS);
    page.on('request', (request) => requested.push(request.url()));
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => {
      if (/Content Security Policy|TrustedHTML/.test(message.text())) complaints.push(message.text());
    });
    page.on('dialog', (dialog) => {
      complaints.push(`dialog ${dialog.message()}`);
      void dialog.dismiss();
    });
  };
  return {
    context,
    async open(hash, { url, secret }) {
      const page = await context.newPage();
      watch(page);
      onTestFailed(async ({ task }) => {
        const [failure] = task.result?.errors ?? [];
        if (failure !== undefined) failure.message += `\n${shown.get(page) ?? (await textOf(page))}`;
      });
      await page.goto(`${url}/#token=${secret}`);
      await page.getByRole('navigation', { name: 'Threads' }).waitFor();
      if (hash !== '') await page.goto(`${url}/${hash}`);
      return page;
    },
    async close() {
      for (const page of context.pages()) shown.set(page, await textOf(page));
      await context.close();
      const elsewhere = requested.filter((url) => !/^(blob:)?http:\/\/127\.0\.0\.1:\d+\//.test(url));
      expect({ elsewhere, complaints }).toEqual({ elsewhere: [], complaints: [] });
    },
  };
}

const MOST_SHOWN = 3_000;

async function textOf(page: Page): Promise<string> {
  const text = page.evaluate<string>('document.querySelector("main, body").innerText');
  const shown = await text.catch((error: unknown) => `could not be read: ${String(error)}`);
  return `The page ${page.url()} showed:\n${shown.slice(0, MOST_SHOWN)}`;
}

export const addressOf = ({ threadId }: ThreadHandle) => `#/threads/${encodeURIComponent(threadId)}`;
export const conversation = (page: Page) => page.getByRole('log', { name: 'Conversation' });
/** The text of what has the focus, or its id. */
export const focused = (page: Page) =>
  page.evaluate<string>(`document.activeElement.id || document.activeElement.textContent`);

/** Keeps a picture, for `npm run screenshots`. */
export async function keep(page: Page, name: string): Promise<void> {
  if (process.env['SCREENSHOTS'] !== '1') return;
  mkdirSync(IMAGES, { recursive: true });
  await page.screenshot({ path: join(IMAGES, `${name}.png`) });
}

export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const found = await page.evaluate<AxeResults>('axe.run()');
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`);
}
