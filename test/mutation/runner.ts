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

const LOOPS = 'It passes far more places than without the mutation: a loop without an end.';

/** What instrumented code reads and counts. */
interface Instrumented {
  activeMutant?: string | undefined;
  currentTestId?: string | undefined;
  mutantCoverage?: Coverage;
}

/** How often each mutation is reached: while the files are loaded, and by each test. */
interface Coverage {
  static: Record<string, number>;
  perTest: Record<string, Record<string, number>>;
}

interface MutantRun {
  testFilter?: string[];
  activeMutant: { id: string };
}

/** What a test costs without a mutation. */
interface Cost {
  ms: number;
  /** Places of instrumented code that it passes. */
  places: number;
}

const NO_MAX: Cost = { places: Infinity, ms: Infinity };

/**
 * A mutation that is reached while the files are loaded, such as by the rows of a test, gets a new process. It needs none
 * if tests reach it, too.
 */
function toTested(coverage: Coverage = { static: {}, perTest: {} }): Coverage {
  const tested = new Set(Object.values(coverage.perTest).flatMap((mutants) => Object.keys(mutants)));
  const loaded = Object.entries(coverage.static).filter(([id]) => !tested.has(id));
  return { ...coverage, static: Object.fromEntries(loaded) };
}

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

class InProcessRunner {
  readonly #code: Instrumented = ((globalThis as { __stryker__?: Instrumented }).__stryker__ ??= {});
  readonly #costs = new Map<string, Cost>();
  #mutant: string | undefined;
  #places = 0;
  #max = NO_MAX;

  capabilities() {
    return { reloadEnvironment: false };
  }

  async init() {
    // Instrumented code looks here at each place, so a loop without an end can be left here.
    Object.defineProperty(this.#code, 'activeMutant', {
      get: () => {
        this.#places++;
        if (this.#isLost()) throw new Error(LOOPS);
        return this.#mutant;
      },
    });
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
      this.#places = 0;
      const start = cpuMs();
      const failure = await tryTest(test);
      const ms = cpuMs() - start;
      this.#costs.set(id, { ms, places: this.#places });
      const common = { id, name: id, timeSpentMs: ms };
      results.push(failure === null ? { ...common, status: 0 } : { ...common, status: 1, failureMessage: failure });
    }
    this.#code.currentTestId = undefined;
    return { status: 'complete', tests: results, mutantCoverage: toTested(this.#code.mutantCoverage) };
  }

  async mutantRun({ testFilter = [...tests.keys()], activeMutant }: MutantRun) {
    // After a timeout this is another process.
    if (this.#costs.size === 0) await this.dryRun();
    this.#mutant = activeMutant.id;
    let nrOfTests = 0;
    try {
      for (const id of this.#fastestFirst(testFilter)) {
        nrOfTests++;
        this.#places = 0;
        this.#max = { places: 4 * this.#costOf(id).places + 10_000, ms: cpuMs() + 10 * this.#costOf(id).ms + 500 };
        const failure = await tryTest(tests.get(id)!);
        // The test may take the error for an answer.
        const failureMessage = failure ?? (this.#isLost() ? LOOPS : null);
        if (failureMessage !== null) return { status: 'killed', killedBy: [id], failureMessage, nrOfTests };
      }
      return { status: 'survived', nrOfTests };
    } finally {
      this.#mutant = undefined;
      this.#max = NO_MAX;
    }
  }

  /** The clock is looked at rarely: most loops are quick. */
  #isLost(): boolean {
    return this.#places > this.#max.places || (this.#places % 256 === 0 && cpuMs() > this.#max.ms);
  }

  #costOf(id: string): Cost {
    return this.#costs.get(id) ?? { ms: 0, places: 0 };
  }

  #fastestFirst(ids: string[]): string[] {
    const sorted = ids.toSorted((a, b) => this.#costOf(a).ms - this.#costOf(b).ms);
    const fast = sorted.filter((id) => this.#costOf(id).ms < SLOW_MS);
    return fast.length > 0 ? fast : sorted;
  }
}

export const strykerPlugins = [{ kind: 'TestRunner', name: 'in-process', factory: () => new InProcessRunner() }];
