/** Records scenarios: every run of their workflows as a history, and what else a release leaves behind as files. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { type History, historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { findTemporalBinary } from '../../src/dev/temporal-service/obtain/binary.ts';
import { startTemporalService } from '../../src/dev/temporal-service/service.ts';
import { git } from '../parts/repositories.ts';
import { type TestEnvironment, openEnvironment } from '../environment.ts';
import { payloadsOf } from './histories.ts';
import type { Scenario } from './scenario.ts';

/** @param to folders of the scenario, for its histories and for its other files. */
export async function record(scenario: Scenario, to: { histories: string; stored: string }): Promise<void> {
  const { service, env = {}, worker = true, keeps = [] } = scenario;
  const own = service === undefined ? null : await startService(service);
  const environment = await openEnvironment({
    requireAssertion: true,
    env,
    worker,
    ...(own && { address: own.address }),
  });
  try {
    const workflows = await scenario.drive(environment);
    for (const [name, workflowId] of Object.entries(workflows)) {
      const runs = await runsOf(environment, workflowId);
      for (const [index, history] of runs.entries()) keep(to.histories, `${name}-${index + 1}.json`, history);
    }
    for (const name of keeps) keepFiles(environment, name, to.stored);
  } finally {
    await environment.close();
    await own?.stop();
  }
}

async function startService(dynamicConfig: string[]) {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'bobbin-recording-'));
  const binary = await findTemporalBinary({ allowDownload: true });
  const service = await startTemporalService({ binary, dataDirectory, ephemeral: true, dynamicConfig });
  const stop = async () => {
    await service.stop();
    rmSync(dataDirectory, { recursive: true, force: true });
  };
  return { address: service.address, stop };
}

/** Oldest first: a run names the one that it continues, or resumes. */
async function runsOf(environment: TestEnvironment, workflowId: string): Promise<History[]> {
  const runs: History[] = [];
  for (let runId: string | undefined; ;) {
    const history = await settled(environment, workflowId, runId);
    runs.unshift(history);
    const started = history.events?.[0]?.workflowExecutionStartedEventAttributes;
    const [argument] = payloadsOf(started?.input) as ({ resume?: { runId: string } } | undefined)[];
    runId = started?.continuedExecutionRunId || argument?.resume?.runId;
    if (runId === undefined) return runs;
  }
}

/** Once no workflow task is under way: what it brings would be missing. */
async function settled({ bobbin }: TestEnvironment, workflowId: string, runId?: string): Promise<History> {
  for (;;) {
    const history = await bobbin.service.client.workflow.getHandle(workflowId, runId).fetchHistory();
    const events = history.events ?? [];
    const begun = events.findLastIndex((event) => event.workflowTaskScheduledEventAttributes != null);
    const ended = events.findLastIndex((event) => event.workflowTaskCompletedEventAttributes != null);
    const last = events.at(-1);
    const isClosed = last?.workflowExecutionTerminatedEventAttributes != null || ended > begun;
    if (isClosed) return history;
    await setTimeout(50);
  }
}

function keep(folder: string, name: string, history: History): void {
  mkdirSync(folder, { recursive: true });
  // Names of machines and of folders on them are nobody's business.
  const text = JSON.stringify(JSON.parse(historyToJSON(history)), (key, value: unknown) =>
    key === 'identity' || key === 'stackTrace' ? 'recorded' : value,
  );
  writeFileSync(join(folder, name), `${text}\n`);
}

function keepFiles({ data, cwd }: TestEnvironment, name: string, folder: string): void {
  mkdirSync(folder, { recursive: true });
  if (name === 'snapshots') git(cwd, 'bundle', 'create', '-q', join(folder, 'snapshots.bundle'), '--all');
  else cpSync(join(data, name), join(folder, name), { recursive: true });
}
