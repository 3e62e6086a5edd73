/** What a turn costs beyond the model: Bobbin, the bare workflow and the Codex app-server, one turn each in rotation. */
import { join } from 'node:path';
import { startBareThread } from '../bare/bare-thread.ts';
import { driveThread, toTurn } from '../bobbin-thread.ts';
import { type Span, coveredMs, lengthOf } from '../clock.ts';
import { type CodexThread, startCodexThread } from '../codex/app-server.ts';
import { ensureCodex } from '../codex/install.ts';
import { type Figures, type Row, notMeasured, ratioOf, summarise, toRow } from '../figures.ts';
import type { Part } from '../part.ts';
import type { ServedRequest } from '../processes/services.ts';

const TEXT = 'say: done';

export const turnOverhead: Part = async (environment, { quick, signal }) => {
  const { warmUp, counted } = quick ? { warmUp: 5, counted: 40 } : { warmUp: 20, counted: 200 };
  await using worker = await environment.bobbin();
  await using bareWorker = await environment.bare();
  const codex = await tryCodex(environment, signal);
  await using codexThread = codex.thread;

  const thread = driveThread(await worker.bobbin.threads.start({ workspace: { cwd: environment.repository } }));
  const bare = await startBareThread(bareWorker.service);
  const competitors: { name: 'bobbin' | 'bare' | 'codex'; turn: () => Promise<Span> }[] = [
    { name: 'bobbin', turn: () => thread.turn(TEXT) },
    { name: 'bare', turn: () => bare.turn(toTurn(TEXT)) },
  ];
  if (codexThread !== null) competitors.push({ name: 'codex', turn: () => codexThread.turn(TEXT) });

  const spans: Record<'bobbin' | 'bare' | 'codex', Span[]> = { bobbin: [], bare: [], codex: [] };
  for (let round = 0; round < warmUp + counted; round++) {
    signal.throwIfAborted();
    // Each comes after each other one equally often.
    competitors.push(competitors.shift()!);
    for (const { name, turn } of competitors) {
      const span = await turn();
      if (round >= warmUp) spans[name].push(span);
    }
    if ((round + 1) % 50 === 0) environment.progress(`turn overhead: ${round + 1} of ${warmUp + counted} rounds`);
  }
  await thread.close();
  await bare.close();
  const requests = await environment.takeRequests();
  return toRows(spans, modelRequests(requests), codex.problem);
};

async function tryCodex(
  environment: Parameters<Part>[0],
  signal: AbortSignal,
): Promise<{ thread: CodexThread | null; problem: string | null }> {
  try {
    const codex = await ensureCodex(environment.progress, signal);
    const home = join(environment.root, 'codex-home');
    const thread = await startCodexThread(codex, {
      home,
      cwd: environment.repository,
      modelUrl: environment.services.openModelUrl,
    });
    return { thread, problem: null };
  } catch (error) {
    signal.throwIfAborted();
    return { thread: null, problem: error instanceof Error ? error.message : String(error) };
  }
}

function modelRequests(requests: ServedRequest[]): ServedRequest[] {
  return requests.filter(({ path }) => path.startsWith('/v1/responses'));
}

/** The turn without the time in which the model server was at work on a request of its. */
function overheads(spans: readonly Span[], requests: readonly ServedRequest[]): Figures {
  return summarise(
    spans.map((span) => {
      const own = requests.filter(({ start }) => span.start <= start && start <= span.end);
      if (own.length === 0) throw new Error('A turn made no model request, so there is no overhead to speak of');
      return lengthOf(span) - coveredMs(span, own);
    }),
  );
}

function toRows(
  spans: Record<'bobbin' | 'bare' | 'codex', Span[]>,
  requests: ServedRequest[],
  codexProblem: string | null,
): Row[] {
  const whole = summarise(spans.bobbin.map(lengthOf));
  const overhead = overheads(spans.bobbin, requests);
  const bare = summarise(spans.bare.map(lengthOf));
  const times = ratioOf(overhead, bare);
  const rows = [
    toRow('turn, overhead over the model', 'ms', overhead, {
      reference: { what: 'bare workflow: signal, activity', figures: bare },
      aim: { text: 'at most 1.5 times', met: times <= 1.5 },
    }),
    toRow('turn, whole', 'ms', whole, { reference: { what: 'bare workflow: signal, activity', figures: bare } }),
  ];
  if (codexProblem !== null) {
    return [...rows, notMeasured('turn, overhead over the model, against the Codex app-server', 'ms', codexProblem)];
  }
  const codexOverhead = overheads(spans.codex, requests);
  return [
    ...rows,
    toRow('turn, overhead over the model', 'ms', overhead, {
      reference: { what: 'Codex app-server', figures: codexOverhead },
      aim: { text: 'below it', met: overhead.median < codexOverhead.median },
    }),
    toRow('turn, whole', 'ms', whole, {
      reference: { what: 'Codex app-server', figures: summarise(spans.codex.map(lengthOf)) },
    }),
  ];
}
