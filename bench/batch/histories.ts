/** What all workflows of a task queue have in history, by their types. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Service } from '../../src/client/service.ts';
import { sideBySide } from './side-by-side.ts';

export interface Extent {
  /** Runs, of which a workflow may have several. */
  runs: number;
  events: number;
  bytes: number;
}

/** By workflow type. */
export type Extents = Map<string, Extent>;

const NOTHING: Extent = { runs: 0, events: 0, bytes: 0 };
const LOOKS_AT_A_TIME = 4;
/** Lists of the service come a moment behind what happened. */
const LISTED = { tries: 60, everyMs: 500 };

/**
 * @param least runs there are of these types; they are waited for.
 */
export async function readExtents(
  service: Service,
  taskQueue: string,
  least: Readonly<Record<string, number>>,
): Promise<Extents> {
  const found = await list(service, taskQueue, least);
  const extents: Extents = new Map();
  await sideBySide(found, LOOKS_AT_A_TIME, async ({ workflowId, runId, type }) => {
    const handle = service.client.workflow.getHandle(workflowId, runId);
    const { raw } = await service.within(() => handle.describe());
    const { historyLength, historySizeBytes } = raw.workflowExecutionInfo ?? {};
    const run = { runs: 1, events: Number(historyLength ?? 0), bytes: Number(historySizeBytes ?? 0) };
    extents.set(type, sum(extentOf(extents, type), run));
  });
  return extents;
}

interface Run {
  workflowId: string;
  runId: string;
  type: string;
}

async function list({ client }: Service, taskQueue: string, least: Readonly<Record<string, number>>): Promise<Run[]> {
  for (let tries = 1; ; tries++) {
    const runs: Run[] = [];
    for await (const { workflowId, runId, type } of client.workflow.list({ query: `TaskQueue = "${taskQueue}"` }))
      runs.push({ workflowId, runId, type });
    const missing = Object.entries(least).filter(
      ([type, count]) => runs.filter((run) => run.type === type).length < count,
    );
    if (missing.length === 0) return runs;
    if (tries === LISTED.tries) throw new Error(`The service lists too few workflows: ${JSON.stringify(missing)}`);
    await delay(LISTED.everyMs);
  }
}

export function extentOf(extents: Extents, type: string): Extent {
  return extents.get(type) ?? NOTHING;
}

export function totalOf(extents: Extents): Extent {
  return [...extents.values()].reduce(sum, NOTHING);
}

/** What came to it after `before` was read. */
export function addedSince(before: Extents, after: Extents): Extents {
  return new Map([...after].map(([type, extent]) => [type, less(extent, extentOf(before, type))]));
}

function sum(a: Extent, b: Extent): Extent {
  return { runs: a.runs + b.runs, events: a.events + b.events, bytes: a.bytes + b.bytes };
}

function less(a: Extent, b: Extent): Extent {
  return { runs: a.runs - b.runs, events: a.events - b.events, bytes: a.bytes - b.bytes };
}
