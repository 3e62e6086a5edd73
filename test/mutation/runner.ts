/**
 * A test runner for Stryker that runs the tests in its own process: all files are loaded once, so a mutation costs only
 * its tests. The runner for vitest starts workers for each mutation. It works because the tests of a thread are pure:
 * they keep nothing from one to the next.
 */
import { globSync, readFileSync } from 'node:fs';
import { registerHooks, stripTypeScriptTypes } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { tests, tryTest } from './vitest.ts';

/** Processor time of a test that runs only for what no other test reaches. */
const SLOW_MS = 400;

/** Random plays of a property, which are the same for every mutation. */
const PLAYS = 30;

/** What instrumented code reads and counts. */
interface Instrumented {
  activeMutant?: string | undefined;
  currentTestId?: string | undefined;
  hitCount?: number | undefined;
  hitLimit?: number | undefined;
  mutantCoverage?: unknown;
}

interface MutantRun {
  testFilter?: string[];
  activeMutant: { id: string };
  hitLimit?: number;
}

class InProcessRunner {
  readonly #code: Instrumented = ((globalThis as { __stryker__?: Instrumented }).__stryker__ ??= {});
  readonly #durations = new Map<string, number>();

  capabilities() {
    return { reloadEnvironment: false };
  }

  async init() {
    registerHooks({
      resolve: (specifier, context, next) =>
        specifier === 'vitest'
          ? { url: new URL('./vitest.ts', import.meta.url).href, shortCircuit: true }
          : next(specifier, context),
      // Node strips no types below node_modules, and there the copy of the sources is.
      load: (url, context, next) =>
        url.endsWith('.ts')
          ? { format: 'module', source: stripTypeScriptTypes(readFileSync(new URL(url), 'utf8')), shortCircuit: true }
          : next(url, context),
    });
    process.env['BOBBIN_TEST_PLAYS'] = `${PLAYS}`;
    // A failure is looked for, not its smallest example.
    fc.configureGlobal({ seed: 1, endOnFailure: true });
    for (const file of globSync('workflows/thread/!(guards)/*.test.ts').toSorted()) {
      await import(pathToFileURL(resolve(file)).href);
    }
  }

  async dryRun() {
    const results = [];
    for (const [id, test] of tests) {
      this.#code.currentTestId = id;
      const start = process.threadCpuUsage();
      const failure = await tryTest(test);
      const { user, system } = process.threadCpuUsage(start);
      this.#durations.set(id, (user + system) / 1_000);
      results.push(this.#toResult(id, failure));
    }
    this.#code.currentTestId = undefined;
    return { status: 'complete', tests: results, mutantCoverage: this.#code.mutantCoverage };
  }

  async mutantRun({ testFilter = [...tests.keys()], activeMutant, hitLimit: hitsInAll = Infinity }: MutantRun) {
    // After a timeout this is another process.
    if (this.#durations.size === 0) await this.dryRun();
    // A test that loops is over after twice the hits of all tests together.
    const hitLimit = Math.max(hitsInAll / 50, 1_000);
    Object.assign(this.#code, { activeMutant: activeMutant.id, hitLimit });
    let nrOfTests = 0;
    try {
      for (const id of this.#fastestFirst(testFilter)) {
        this.#code.hitCount = 0;
        nrOfTests++;
        const failure = await tryTest(tests.get(id)!);
        // A loop without an end is noticed, too, even if the test takes its error for an answer.
        const failureMessage = failure ?? (this.#code.hitCount > hitLimit ? 'It loops.' : null);
        if (failureMessage !== null) return { status: 'killed', killedBy: [id], failureMessage, nrOfTests };
      }
      return { status: 'survived', nrOfTests };
    } finally {
      this.#code.activeMutant = undefined;
    }
  }

  #fastestFirst(ids: string[]): string[] {
    const durationOf = (id: string) => this.#durations.get(id) ?? 0;
    const sorted = ids.toSorted((a, b) => durationOf(a) - durationOf(b));
    const fast = sorted.filter((id) => durationOf(id) < SLOW_MS);
    return fast.length > 0 ? fast : sorted;
  }

  #toResult(id: string, failure: string | null) {
    const common = { id, name: id, timeSpentMs: this.#durations.get(id) ?? 0 };
    return failure === null ? { ...common, status: 0 } : { ...common, status: 1, failureMessage: failure };
  }
}

export const strykerPlugins = [{ kind: 'TestRunner', name: 'in-process', factory: () => new InProcessRunner() }];
