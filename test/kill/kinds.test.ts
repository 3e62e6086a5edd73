/** Kill -9 of the worker in a turn of every kind: one boundary of each here, all of them in `npm run test:kill`. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type KillFixture, openFixture } from './fixture.ts';
import { KIND_SCENARIOS } from './kind-scenarios.ts';
import { killAt } from './kinds.ts';

// Workers are killed and started again, and a busy machine takes its time for that.
vi.setConfig({ testTimeout: 300_000 });

let fixture: KillFixture;
beforeAll(async () => {
  fixture = await openFixture();
});
afterAll(async () => {
  await fixture.close();
});

/** Another boundary each day. */
const DAY = Math.floor(Date.now() / 86_400_000);

test.each(KIND_SCENARIOS)('a turn of $name continues after kill -9 of its worker', async (scenario) => {
  const boundary = 1 + (DAY % 3);
  const result = (await killAt(fixture, scenario, boundary)) ?? (await killAt(fixture, scenario, 1));
  expect(result?.violations, `boundary ${boundary}: ${result?.event}`).toEqual([]);
});
