/** What a file of tests of the page needs: threads, the page's server, and a browser. */
import type { Browser } from 'playwright-core';
import { launchChromium } from '../browser.ts';
import { type TestEnvironment, openEnvironment } from '../environment.ts';
import { type HttpStand, startHttpStand } from './http-server.ts';

export interface BrowserTest {
  environment: TestEnvironment;
  stand: HttpStand;
  browser: Browser;
  close: () => Promise<void>;
}

/** @param executable the path of Chromium */
export async function openBrowserTest(executable: string): Promise<BrowserTest> {
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
