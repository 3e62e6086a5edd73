/** Reads what the reviews of a target said, finds its place in the code, and tells the ledger. Twice is once. */
import type { ReviewFinding, RunBeginning } from '../../src/contract/index.ts';
import type { TargetConcluded, TargetConclusion } from '../contract.ts';
import { Failure } from '../failures.ts';
import type { Ports } from '../ports.ts';
import { observeFindings, trackFindings } from '../review/observe.ts';
import { type Answer, parseAnswer } from '../review/parse-answer.ts';
import { mergeVerdicts, parseVerdicts } from '../review/parse-verdicts.ts';
import { placeFindings } from '../review/place-findings.ts';
import { runStep } from '../step.ts';
import { pathsOf, toParts } from './parts.ts';

export async function concludeTarget(ports: Ports, conclusion: TargetConclusion): Promise<TargetConcluded> {
  return runStep<{ type: 'target'; doing: string }, TargetConcluded>(
    { ...ports, ...conclusion },
    { type: 'target', doing: 'telling the ledger' },
    async ({ signal }) => {
      const { runId, targetId, target, cwd, base, head, full, rulesId } = conclusion;
      const findings = await place(ports, conclusion, conclusion.texts.map(toAnswer(runId)), signal);
      const known = await readKnown(ports, conclusion, signal);
      const run = {
        ...{ runId, base, head, full, rulesId },
        findings: await observeFindings(ports, { cwd, head, findings }, signal),
        tracked: await trackFindings(ports, { cwd, head, known }, signal),
        verdicts: toVerdicts(conclusion),
        looked: await lookedAt(ports, conclusion, signal),
      };
      return { type: 'concluded', ...(await ports.ledgers.record({ targetId, target }, run, signal)) };
    },
  );
}

/** Characters of an answer that cannot be read, for the row of its target. */
const SAID_CHARS = 300;

function toAnswer(runId: string): (text: string) => Answer {
  return (text) => {
    if (text.trim() === '') throw new Failure('reviewEmpty', `The review ${runId} said nothing.`);
    const answer = parseAnswer(text);
    if (answer.findings.length > 0 || answer.overallCorrectness !== null) return answer;
    const said = text.length > SAID_CHARS ? `${text.slice(0, SAID_CHARS)}...` : text;
    const message = `The review ${runId} gave no findings and no verdict that can be read, so it does not count. It said: ${said}`;
    throw new Failure('reviewUnreadable', message);
  };
}

function toVerdicts({ texts, asked = [] }: TargetConclusion) {
  return mergeVerdicts(texts.flatMap((text, part) => parseVerdicts(text, asked[part] ?? [])));
}

async function place(
  { git }: Ports,
  { cwd, base, head }: TargetConclusion,
  answers: readonly Answer[],
  signal: AbortSignal,
): Promise<ReviewFinding[]> {
  const findings = answers.flatMap((answer) => answer.findings);
  if (findings.length === 0) return [];
  const paths = findings.flatMap(({ codeLocation }) => codeLocation?.path ?? []);
  const lines = await git.changedLines(cwd, { base, head }, [...new Set(paths)], signal);
  return answers.flatMap((answer) => placeFindings(answer, lines, true).findings);
}

/** Where there were none when the run began there are none now: nobody else may record any. */
async function readKnown(ports: Ports, conclusion: TargetConclusion, signal: AbortSignal) {
  const { targetId, target, known } = conclusion;
  if (known === 0) return [];
  return knownOf(await ports.ledgers.begin({ targetId, target }, again(conclusion), signal), conclusion);
}

/** The ledger answers the run under way what it answered before. */
function again({ runId, head, rulesId, fullPassEvery, fullPass = false, threadId }: TargetConclusion) {
  return { runId, workflowId: threadId, instead: null, head, rulesId, fullPassEvery, fullPass };
}

function knownOf(beginning: RunBeginning, { runId, targetId }: TargetConclusion) {
  if (beginning.type === 'begun') return beginning.known;
  // Recorded by an attempt before this one, whose answer did not come back.
  if (beginning.type === 'alreadyReviewed') return [];
  throw new Failure('reviewRunLost', `The ledger of ${targetId} has given up run ${runId}, and waits for another one.`);
}

/** Null where nothing that changed was left out. */
async function lookedAt(ports: Ports, conclusion: TargetConclusion, signal: AbortSignal) {
  const { cwd, base, head, model, full, filesLeftOut } = conclusion;
  if (full && filesLeftOut === 0) return null;
  const files = await ports.targets.changedFiles(cwd, { base, head }, signal);
  return pathsOf(toParts(files, ports.contextLimits(model).compactAt).parts);
}
