import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ReviewRecord } from '../../src/contract/index.ts';
import { toReport } from '../../src/reports/report.ts';
import { SAMPLE_RECORD, aFinding, aLedger, aRecord, aTarget, reviewed, runsOf } from '../../src/reports/test-record.ts';
import { findChromium, launchChromium } from '../browser.ts';

const executable = findChromium();

const PICTURES = [
  ['report-wide', 1280, 1700, 'light'],
  ['report-phone', 360, 1500, 'dark'],
] as const;

describe.skipIf(executable === undefined)('the page in Chromium (skipped where none is installed)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bobbin-report-'));
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchChromium(executable!);
  });

  afterAll(async () => {
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function openPage(
    record: ReviewRecord,
    width: number,
  ): Promise<{ page: Page; url: string; asked: string[]; refused: string[] }> {
    const file = join(folder, `page-${width}.html`);
    writeFileSync(file, toReport(record, 'html'));
    const page = await browser.newPage({ viewport: { width, height: 800 } });
    const asked: string[] = [];
    const refused: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    page.on('console', (message) => refused.push(message.text()));
    page.on('pageerror', (error) => refused.push(error.message));
    const url = pathToFileURL(file).href;
    await page.goto(url);
    return { page, url, asked, refused };
  }

  it.each([360, 1280])('fits a width of %i pixels, asks for nothing, and has its chart', async (width) => {
    const { page, url, asked, refused } = await openPage(SAMPLE_RECORD, width);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    expect({ asked, refused }).toEqual({ asked: [url], refused: [] });
    const line = await page.locator('svg .trend').boundingBox();
    const chart = await page.locator('svg').boundingBox();
    expect(line!.width).toBeGreaterThan(chart!.width * 0.8);
    expect(line!.height).toBeGreaterThan(40);
    await page.close();
  });

  it.runIf(process.env['SCREENSHOTS'] === '1')('has its pictures taken for the docs', async () => {
    for (const [name, width, height, colorScheme] of PICTURES) {
      const { page } = await openPage(SAMPLE_RECORD, width);
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height });
      await page.screenshot({ path: join(import.meta.dirname, '../../docs/images', `${name}.png`) });
      await page.close();
    }
  });

  it('shows every finding with its code, those fixed and dismissed once they are unfolded', async () => {
    const { page } = await openPage(SAMPLE_RECORD, 360);
    const titles = SAMPLE_RECORD.targets.flatMap(({ ledger }) => ledger?.findings.map(({ title }) => title) ?? []);
    expect((await page.locator('.finding .title').allInnerTexts()).sort()).toEqual(titles.sort());
    expect(await page.locator('.line.hit').first().isVisible()).toBe(true);
    const dismissed = page.locator('.finding[data-state=dismissed]');
    expect(await dismissed.getByText('by mira').isVisible()).toBe(false);
    await dismissed.locator('summary').click();
    expect(await dismissed.getByText('by mira').isVisible()).toBe(true);
    await page.close();
  });

  it('is dark where the reader wants it dark, and can be read', async () => {
    const { page } = await openPage(SAMPLE_RECORD, 360);
    const look = () =>
      page.evaluate<string[]>(
        '[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]',
      );
    await page.emulateMedia({ colorScheme: 'light' });
    expect(await look()).toEqual(['rgb(246, 247, 249)', 'rgb(26, 31, 38)']);
    await page.emulateMedia({ colorScheme: 'dark' });
    expect(await look()).toEqual(['rgb(15, 19, 24)', 'rgb(228, 232, 237)']);
    await page.close();
  });

  it('runs and loads nothing that a finding has in its words, and stays in shape', async () => {
    const attack =
      '"><img src=http://127.0.0.1:9/x onerror="window.hit=1"></title></style></script><script>window.hit=1</script>';
    const long = 'x'.repeat(3_000);
    const findings = [
      aFinding({
        findingId: 'a',
        title: attack,
        body: `${attack}\n\n\`\`\`\n${attack}\n\`\`\`\n\n- ${attack}`,
        code: { startLine: 1, text: `${attack}${long}` },
        location: { path: `${attack}/${long}`, startLine: 1, endLine: 9 },
      }),
      aFinding({
        findingId: 'b',
        title: long,
        body: `\u202e${long}`,
        state: 'dismissed',
        dismissal: { by: attack, why: attack, at: 0 },
      }),
    ];
    const record = aRecord(
      [
        aTarget(0, reviewed(), aLedger('a', findings, runsOf(0, [1])), {
          repository: `/srv/${attack}`,
          branch: attack,
        }),
        aTarget(1, { status: 'failed', code: attack, message: attack, spent: null }, null),
      ],
      'x',
    );
    const { page, url, asked, refused } = await openPage(record, 360);
    for (const summary of await page.locator('summary').all()) await summary.click();
    expect(
      await page.evaluate(
        '[window.hit ?? null, document.scripts.length, document.images.length, document.documentElement.scrollWidth]',
      ),
    ).toEqual([null, 0, 0, 360]);
    expect({ asked, refused }).toEqual({ asked: [url], refused: [] });
    expect(await page.locator('.finding .title').first().innerText()).toContain('<script>window.hit=1</script>');
    await page.close();
  });
});
