/**
 * Every view of the page, wide and on a phone, light and dark: nothing is wider than the screen, and axe finds nothing.
 * `npm run screenshots` keeps pictures of them in docs/images.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ThreadHandle } from '../../src/client/index.ts';
import { findTemporalBinary } from '../../src/dev/temporal-service/obtain/binary.ts';
import { startTemporalService } from '../../src/dev/temporal-service/service.ts';
import type { TemporalService } from '../../src/dev/temporal-service/types.ts';
import { findChromium, launchChromium } from '../browser.ts';
import { type TestEnvironment, openEnvironment, runTurn, turn, waitForRequest } from '../environment.ts';
import { type HttpStand, startHttpStand } from '../parts/http-server.ts';
import { addressOf, conversation, keep, openPages, violations } from '../parts/pages.ts';
import { commit, makeRepository } from '../parts/repositories.ts';

const executable = findChromium();

const CART = `export function total(items) {
  let sum = 0;
  for (const { price, count } of items) sum += Math.round(price * count * 1.19);
  return sum;
}
`;
const MEND = `Customers see totals that are a cent off.
say: Each item is rounded on its own, so the errors add up. I round once, at the end.
plan: Find where totals are rounded; Round once; Compare with the invoices
run: grep -rn "Math.round" src
patch:
*** Begin Patch
*** Update File: src/cart.js
@@
 export function total(items) {
   let sum = 0;
-  for (const { price, count } of items) sum += Math.round(price * count * 1.19);
-  return sum;
+  for (const { price, count } of items) sum += price * count;
+  return Math.round(sum * 1.19);
 }
*** Add File: test/cart.test.js
+import { total } from '../src/cart.js';
+
+test('a total is rounded once', () => {
+  const items = [{ price: 33.4, count: 1 }, { price: 33.4, count: 1 }];
+  expect(total(items)).toBe(79);
+});
*** End Patch`;

let folder: string;
let service: TemporalService;
let environment: TestEnvironment;
let stand: HttpStand;
let browser: Browser;
let mend: ThreadHandle;
let audit: ThreadHandle;
let batchId: string;
let targetId: string;

async function makeThreads(shop: string): Promise<void> {
  const workspace = { cwd: shop };
  const others = ['Write the release notes', 'Why is the start slow?', 'Update the licences'];
  for (const title of others) {
    const thread = await environment.start({ title, workspace });
    await runTurn(thread, 'say: Done.');
  }
  audit = await environment.start({ title: 'Audit what pays', approvalPolicy: 'untrusted', workspace });
  await audit.submit(
    turn('spawn: spawn: run: npm audit --omit=dev\nspawn: say: Nothing in src/cart.js reads a card number.'),
  );
  await waitForRequest(audit);
  mend = await environment.start({ title: 'Mend the rounding of totals', approvalPolicy: 'untrusted', workspace });
  await mend.submit(turn(MEND));
  await waitForRequest(mend);
}

/** Five nights: findings come and go. */
async function makeReviews(shop: string): Promise<void> {
  const site = makeRepository(join(folder, 'site'), { 'index.js': 'export const title = "Shop";\n' });
  const targets = [shop, site, join(folder, 'warehouse')].map((repository) => ({ repository }));
  const nights = [
    { 'src/pay.js': 'export function pay(order) {\n  // FIXME: the amount is not checked\n  return order;\n}\n' },
    {
      'src/log.js': 'export const log = (text) => console.log(text);\n',
      'src/tax.js': '// TODO: rates of other countries\n',
    },
    { 'src/log.js': 'export const log = () => undefined;\n' },
    { 'src/ship.js': 'export function ship() {\n  // TODO: weigh the parcel\n}\n// TODO: print a label\n' },
    { 'src/mail.js': 'export function mail(to) {\n  console.log(to);\n}\n' },
  ];
  for (const [night, files] of nights.entries()) {
    commit(shop, files);
    batchId = `nightly-2026-11-${24 + night}`;
    const batch = await environment.bobbin.batches.start({ targets, fullPass: true }, { batchId });
    await batch.follow();
    for await (const row of batch.rows()) if (row.index === 0) targetId = row.targetId;
  }
  await environment.bobbin.schedules.create('nightly', {
    ...{ times: { cron: ['0 2 * * 1-5'] }, timezone: 'Europe/Berlin', batch: { targets } },
  });
}

interface View {
  name: string;
  hash: () => string;
  /** Brings it into the state of the picture. */
  prepare: (page: Page) => Promise<void>;
}

const VIEWS: View[] = [
  {
    name: 'approval',
    hash: () => addressOf(mend),
    async prepare(page) {
      await page.getByRole('button', { name: 'Approve', exact: true }).waitFor();
      await expect.poll(() => page.getByRole('button', { name: 'Approve', exact: true }).isEnabled()).toBe(true);
    },
  },
  {
    name: 'agents',
    hash: () => addressOf(audit),
    async prepare(page) {
      await page.getByRole('list', { name: 'Agents', exact: true }).getByText('command: npm audit').waitFor();
      await conversation(page)
        .getByText(/^Turn completed/)
        .waitFor();
      await page.evaluate('scrollTo(0, 0)');
    },
  },
  {
    name: 'batch',
    hash: () => `#/batches/${batchId}`,
    async prepare(page) {
      await page.getByRole('img', { name: /^Open findings/ }).waitFor();
      await page.locator('.finding summary').first().click();
      await page.locator('code.hit').first().waitFor();
      await page.evaluate('scrollTo(0, 0)');
    },
  },
  {
    name: 'target',
    hash: () => `#/targets/${targetId}`,
    async prepare(page) {
      await page.getByRole('img', { name: /^Open findings/ }).waitFor();
      await page.getByRole('img').scrollIntoViewIfNeeded();
    },
  },
  {
    name: 'schedule',
    hash: () => '#/schedules/nightly',
    async prepare(page) {
      await page.getByRole('button', { name: 'Run now' }).waitFor();
    },
  },
  {
    name: 'threads',
    hash: () => '#/',
    async prepare(page) {
      await page.getByRole('link', { name: /Audit what pays/ }).waitFor();
    },
  },
];

const SCREENS: Record<string, BrowserContextOptions> = {
  '': { viewport: { width: 1140, height: 720 } },
  '-dark': { viewport: { width: 1100, height: 720 }, colorScheme: 'dark' },
  '-phone': { viewport: { width: 390, height: 760 }, deviceScaleFactor: 1 },
};
/** The others would show the same again. */
const KEPT = ['approval', 'approval-phone', 'agents-dark', 'batch', 'target-dark'];

describe.skipIf(executable === undefined)('the views of the page (skipped where no Chromium is installed)', () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'views-'));
    const binary = await findTemporalBinary({ allowDownload: false });
    const data = join(folder, 'service');
    mkdirSync(data);
    [service, browser] = await Promise.all([
      startTemporalService({ binary, dataDirectory: data, ephemeral: true, uiPort: 0 }),
      launchChromium(executable!),
    ]);
    const own = join(folder, 'models.json');
    const price = { input: 5, cachedInput: 0.5, output: 25 };
    writeFileSync(own, JSON.stringify({ models: [{ model: 'offline/*', price }] }));
    const env = { BOBBIN_IDENTITY_MODE: 'off', BOBBIN_MODELS: own };
    environment = await openEnvironment({ address: service.address, env });
    stand = await startHttpStand(environment.bobbin, { TEMPORAL_UI_URL: service.uiUrl ?? '' });
    const shop = makeRepository(join(folder, 'shop'), { 'src/cart.js': CART });
    await makeReviews(shop);
    await makeThreads(shop);
  }, 180_000);
  afterAll(async () => {
    await browser.close();
    await stand.close();
    await environment.close();
    await service.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each(Object.keys(SCREENS))(
    'fit the screen and can be used by everybody%s',
    async (screen) => {
      const pages = await openPages(browser, SCREENS[screen]);
      const page = await pages.open('', stand);
      const width = SCREENS[screen]?.viewport?.width;
      const found: Record<string, unknown> = {};
      for (const { name, hash, prepare } of VIEWS) {
        await page.goto(`${stand.url}/${hash()}`);
        await prepare(page);
        await page.mouse.move(0, 0);
        const wide = await page.evaluate<number>('document.documentElement.scrollWidth');
        const faults = await violations(page);
        if (wide !== width || faults.length > 0) found[name] = { wide, faults };
        if (KEPT.includes(`${name}${screen}`)) await keep(page, `page-${name}${screen}`);
      }
      expect(found).toEqual({});
      await pages.close();
    },
    120_000,
  );
});
