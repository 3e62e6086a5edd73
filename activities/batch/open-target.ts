/** Fetches a target, asks its ledger what is new, and returns what must be reviewed. Idempotent. */
import { createHash } from 'node:crypto';
import { transportOf, withoutSecrets } from '../../src/contract/plain/repository-address.ts';
import type { Elsewhere, OpenedTarget, TargetOpening } from '../contract.ts';
import { REVIEW } from '../instructions/review.ts';
import type { FoundTarget, Ports } from '../ports.ts';
import { readReviewRules } from '../review/review-rules.ts';
import { runStep } from '../step.ts';
import { findAnyHost, findHost } from '../threads/find-host.ts';
import { trackFindings } from '../review/observe.ts';
import { toOpenFindings } from './known-findings.ts';
import { toTargetParts } from './part-prompt.ts';
import { toLeftOut, toParts } from './parts.ts';

export async function openTarget(ports: Ports, opening: TargetOpening): Promise<OpenedTarget> {
  const { targetId, target } = opening;
  return runStep<{ type: 'target'; doing: string }, OpenedTarget>(
    { ...ports, ...opening },
    { type: 'target', doing: `opening ${withoutSecrets(target.repository)}` },
    async (step) => {
      const { signal } = step;
      const elsewhere = await findElsewhere(ports, opening);
      if (elsewhere !== null) return elsewhere;
      const found = await ports.targets.find(target, targetId, signal);
      const { repository, head, start } = found;
      const model = modelOf(ports, opening, repository);
      const rules = await rulesOf(ports, opening, found, signal);
      const rulesId = toRulesId(opening, model, rules);
      const { runId, workflowId, fullPassEvery, fullPass = false, startedAt } = opening;
      step.progress = { type: 'target', doing: 'asking the ledger' };
      const began = startedAt === undefined ? {} : { startedAt };
      const asked = { runId, workflowId, instead: null, head, rulesId, fullPassEvery, fullPass, ...began };
      const beginning = await ports.ledgers.begin({ targetId, target }, asked, signal);
      if (beginning.type === 'busy') return { type: 'busy' };
      if (beginning.type === 'alreadyReviewed') {
        const { counts } = beginning;
        return { type: 'alreadyReviewed', head, ...(counts !== undefined && { counts }) };
      }
      const since = beginning.full ? null : await usable(ports, repository, beginning.anchor, head, signal);
      const base = since ?? start;
      step.progress = { type: 'target', doing: `reading the changes since ${base}` };
      const { cwd, isElsewhere } = await ports.targets.checkOut(found, signal);
      const files = await ports.targets.changedFiles(repository, { base, head }, signal);
      const planned = toParts(files, ports.contextLimits(model).compactAt);
      const full = since === null;
      const hasHistory = !full || target.base !== undefined;
      const compared = { base, head, isElsewhere, hasHistory, full, instructions: opening.instructions };
      const known = beginning.known.filter(({ state }) => state === 'open');
      const tracked = await trackFindings(ports, { cwd: repository, head, known }, signal);
      return {
        ...{ type: 'opened', cwd, base, head, full, rulesId, model, rules },
        parts: toTargetParts(compared, planned, toOpenFindings(known, tracked)),
        ...{ filesLeftOut: planned.leftOut.length, leftOut: toLeftOut(planned) },
        ...{ known: beginning.known.length, isThere: !isElsewhere, host: ports.hosts.id },
        ...graceOf(ports, opening, repository),
      };
    },
  );
}

/**
 * Null if this host takes the target: one that is a folder, if it is the first host that has it or was named, and any other
 * unless this host takes nothing new.
 */
async function findElsewhere(
  { hosts, targets }: Pick<Ports, 'hosts' | 'targets'>,
  { target, runId, ifThere }: TargetOpening,
): Promise<Elsewhere | null> {
  const isFolder = transportOf(target.repository) === 'path';
  const isHere = () => targets.isHere(target);
  const known = ifThere === true && target.host === undefined ? [] : await hosts.list({ fresh: false });
  const isDraining = known.some(({ id, status }) => id === hosts.id && status === 'draining');
  if (ifThere === true && isDraining) return { type: 'elsewhere', ask: [], others: [`${hosts.id} (draining)`] };
  if (ifThere === true) return !isFolder || isHere() ? null : { type: 'elsewhere', ask: [], others: [] };
  if (isFolder) return findHost(hosts, { host: undefined, isHere, isChild: false });
  if (!isDraining || !known.some(({ status }) => status === 'serving')) return null;
  return findAnyHost(hosts, { host: undefined, threadId: runId });
}

function graceOf(ports: Ports, { runId }: TargetOpening, cwd: string): { hostGraceMs?: number } {
  const { hostGraceMs } = ports.defaults({ threadId: runId, workspace: { cwd } });
  return hostGraceMs === undefined ? {} : { hostGraceMs };
}

/** The last completed review, if the changes since then are known. */
async function usable(ports: Ports, cwd: string, anchor: string | null, head: string, signal: AbortSignal) {
  return anchor !== null && (await ports.targets.isBefore(cwd, anchor, head, signal)) ? anchor : null;
}

function modelOf(ports: Ports, { model, runId }: TargetOpening, cwd: string): string {
  if (model !== null) return model;
  const settings = ports.defaults({ threadId: runId, workspace: { cwd } });
  return settings.reviewModel ?? settings.model;
}

/** Without a base everything is reviewed, with the rules of the given branch. */
function rulesOf(
  ports: Ports,
  { target }: TargetOpening,
  { repository, head, start }: FoundTarget,
  signal: AbortSignal,
) {
  return readReviewRules(ports, { cwd: repository, commit: target.base === undefined ? head : start }, signal);
}

/** A hash of everything that influences the findings. */
function toRulesId({ instructions }: TargetOpening, model: string, rules: string): string {
  return createHash('sha256')
    .update(JSON.stringify([REVIEW, model, instructions, rules]))
    .digest('hex')
    .slice(0, 16);
}
