/** Reads the answers of a target's reviews, finds the places in the code, and reports to the ledger. Idempotent. */
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
      const answers = conclusion.texts.map(toAnswer(runId));
      const findings = await place(ports, conclusion, answers, signal);
      const known = await readKnown(ports, conclusion, signal);
      const run = {
        ...{ runId, base, head, full, rulesId },
        findings: await observeFindings(ports, { cwd, head, findings }, signal),
        findingsLeftOut: answers.reduce((sum, answer) => sum + answer.findingsLeftOut, 0),
        tracked: await trackFindings(ports, { cwd, head, known }, signal),
        verdicts: toVerdicts(conclusion),
        looked: await lookedAt(ports, conclusion, signal),
        ...beginOf(conclusion),
      };
      return { type: 'concluded', ...(await ports.ledgers.record({ targetId, target }, run, signal)) };
    },
  );
}

/** Characters of an unreadable answer in the row of its target. */
const SAID_CHARS = 300;

function toAnswer(runId: string): (text: string) => Answer {
  return (text) => {
    if (text.trim() === '') throw new Failure('reviewEmpty', `The review ${runId} said nothing.`);
    const answer = parseAnswer(text);
    const { findings, findingsLeftOut, overallCorrectness } = answer;
    if (findings.length > 0 || (findingsLeftOut === 0 && overallCorrectness !== null)) return answer;
    const said = text.length > SAID_CHARS ? `${text.slice(0, SAID_CHARS)}...` : text;
    const what = findingsLeftOut > 0 ? 'findings of which none' : 'no findings and no verdict that';
    const message = `The review ${runId} gave ${what} can be read, so it does not count. It said: ${said}`;
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

/** Without findings at the start of the run there are none now: only this run may record some. */
async function readKnown(ports: Ports, conclusion: TargetConclusion, signal: AbortSignal) {
  const { targetId, target, known } = conclusion;
  if (known === 0) return [];
  return knownOf(await ports.ledgers.begin({ targetId, target }, again(conclusion), signal), conclusion);
}

/** The ledger gives the current run the same answer again. */
function again(conclusion: TargetConclusion) {
  const { runId, head, rulesId, fullPassEvery, fullPass = false, threadId } = conclusion;
  return {
    ...{ runId, workflowId: threadId, instead: null, head, rulesId, fullPassEvery, fullPass },
    ...beginOf(conclusion),
  };
}

function beginOf({ startedAt }: TargetConclusion): { startedAt?: number } {
  return startedAt === undefined ? {} : { startedAt };
}

function knownOf(beginning: RunBeginning, { runId, targetId }: TargetConclusion) {
  if (beginning.type === 'begun') return beginning.known;
  // An earlier attempt recorded it, and its answer was lost.
  if (beginning.type === 'alreadyReviewed') return [];
  throw new Failure('reviewRunLost', `The ledger of ${targetId} has given up run ${runId}, and waits for another one.`);
}

/** Null if no change was left out. */
async function lookedAt(ports: Ports, conclusion: TargetConclusion, signal: AbortSignal) {
  const { cwd, base, head, model, full, filesLeftOut } = conclusion;
  if (full && filesLeftOut === 0) return null;
  const files = await ports.targets.changedFiles(cwd, { base, head }, signal);
  return pathsOf(toParts(files, ports.contextLimits(model).compactAt).parts);
}
