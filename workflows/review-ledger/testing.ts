/** For tests: runs, findings and commits, each made from a word. */
import type {
  BeginRun,
  FindingLocation,
  ObservedFinding,
  RecordedRun,
  TrackedFinding,
} from '../../src/contract/index.ts';

/** A full id for a name. */
export function commit(name: string): string {
  return Buffer.from(name).toString('hex').padEnd(40, '0').slice(0, 40);
}

export function place(path: string, startLine: number, endLine = startLine): FindingLocation {
  return { path, startLine, endLine };
}

/** Everything not given is made from the title: another title means other code. */
export function seen(title: string, more: Partial<ObservedFinding> = {}): ObservedFinding {
  return {
    title,
    body: '',
    priority: 2,
    confidenceScore: 0.5,
    location: place('a.ts', 1),
    code: null,
    codeHash: commit(title),
    context: { before: null, after: null },
    ...more,
  };
}

export function beginning(runId: string, head: string, more: Partial<BeginRun> = {}): BeginRun {
  const workflowId = `batch-review/${runId}`;
  return { runId, workflowId, instead: null, head: commit(head), rulesId: 'rules', fullPassEvery: 10, ...more };
}

/** A known finding at the current place of its lines. */
export function tracked(findingId: string, location: FindingLocation | null, more: Partial<TrackedFinding> = {}) {
  return { findingId, location, near: null, changed: location === null, gone: location === null, ...more };
}

type Told = RecordedRun & { findingsLeftOut: number };

export function record(runId: string, head: string, findings: ObservedFinding[], more: Partial<Told> = {}): Told {
  return {
    ...{ runId, base: commit('base'), head: commit(head), full: true, rulesId: 'rules', findings },
    ...{ tracked: [], verdicts: [], looked: null, findingsLeftOut: 0, ...more },
  };
}
