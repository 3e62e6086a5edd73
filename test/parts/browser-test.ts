/** What a file of tests of the page needs: threads, the page's server, and a browser. */
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { launchChromium } from '../browser.ts';
import { type TestEnvironment, openEnvironment } from '../environment.ts';
import { type HttpStand, startHttpStand } from './http-server.ts';
import { type Pages, openPages } from './pages.ts';

interface BrowserTest {
  environment: TestEnvironment;
  stand: HttpStand;
  browser: Browser;
  close: () => Promise<void>;
}

/** @param executable the path of Chromium */
async function openBrowserTest(executable: string): Promise<BrowserTest> {
  const [environment, browser] = await Promise.all([openEnvironment(), launchChromium(executable)]);
  const stand = await startHttpStand(environment.bobbin);
  return {
    environment,
    stand,
    browser,
    async close() {
      await browser.close();
      await stand.close();
      await environment.close();
    },
  };
}

/** What a test uses; the tabs are its own. */
interface Opened {
  environment: TestEnvironment;
  stand: HttpStand;
  pages: Pages;
}

/**
 * For a `describe` of the page: opens all of it before its tests, and new tabs before each.
 * @param use gets what is open now
 * @returns what closes the tabs, and opens others
 */
export function withBrowser(
  executable: string | undefined,
  use: (opened: Opened) => void,
): (options: BrowserContextOptions) => Promise<void> {
  let test: BrowserTest;
  let pages: Pages;
  const openTabs = async (options: BrowserContextOptions = {}): Promise<void> => {
    const { environment, stand, browser } = test;
    pages = await openPages(browser, options);
    use({ environment, stand, pages });
  };
  beforeAll(async () => {
    test = await openBrowserTest(executable!);
  });
  afterAll(() => test.close());
  beforeEach(() => openTabs());
  afterEach(() => pages.close());
  return async (options) => {
    await pages.close();
    await openTabs(options);
  };
}
