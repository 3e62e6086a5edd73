/** Brings a target here, asks its ledger what is new, and says what is to be looked at. Twice is once. */
import { createHash } from 'node:crypto';
import type { OpenedTarget, TargetOpening } from '../contract.ts';
import type { Ports } from '../ports.ts';
import { RULES_HEADING, RUBRIC } from '../review/rubric.ts';
import { runStep } from '../step.ts';
import { toPartPrompts } from './part-prompt.ts';
import { toParts } from './parts.ts';

export async function openTarget(ports: Ports, opening: TargetOpening): Promise<OpenedTarget> {
  const { targetId, target } = opening;
  return runStep<{ type: 'target'; doing: string }, OpenedTarget>(
    { ...ports, ...opening },
    { type: 'target', doing: `opening ${target.repository}` },
    async (step) => {
      const { signal } = step;
      const { cwd, head, start, isElsewhere } = await ports.targets.open(target, targetId, signal);
      const model = modelOf(ports, opening, cwd);
      const rulesId = await toRulesId(ports, opening, cwd, model);
      const { runId, workflowId, fullPassEvery } = opening;
      step.progress = { type: 'target', doing: 'asking the ledger' };
      const asked = { runId, workflowId, instead: null, head, rulesId, fullPassEvery };
      const beginning = await ports.ledgers.begin({ targetId, target }, asked, signal);
      if (beginning.type === 'busy') return { type: 'busy' };
      if (beginning.type === 'alreadyReviewed') return { type: 'alreadyReviewed', head };
      const since = beginning.full ? null : await usable(ports, cwd, beginning.anchor, head, signal);
      const base = since ?? start;
      step.progress = { type: 'target', doing: `reading the changes since ${base}` };
      const files = await ports.targets.changedFiles(cwd, { base, head }, signal);
      const planned = toParts(files, ports.contextLimits(model).compactAt);
      const hasHistory = since !== null || target.base !== undefined;
      const prompts = toPartPrompts(
        { base, head, hasHistory, isElsewhere, instructions: opening.instructions },
        planned,
      );
      return {
        ...{ type: 'opened', cwd, base, head, full: since === null, rulesId, model },
        ...{ parts: prompts.map((prompt) => ({ prompt })), filesLeftOut: planned.leftOut.length },
      };
    },
  );
}

/** The last completed review, where the changes since then can be told. */
async function usable(ports: Ports, cwd: string, anchor: string | null, head: string, signal: AbortSignal) {
  return anchor !== null && (await ports.targets.isBefore(cwd, anchor, head, signal)) ? anchor : null;
}

function modelOf(ports: Ports, { model, runId }: TargetOpening, cwd: string): string {
  if (model !== null) return model;
  const settings = ports.defaults({ threadId: runId, workspace: { cwd } });
  return settings.reviewModel ?? settings.model;
}

/** Of everything that decides what is found fault with. */
async function toRulesId(ports: Ports, { instructions }: TargetOpening, cwd: string, model: string): Promise<string> {
  const rules = [RUBRIC, model, instructions, await ports.projectDocs.readSections(cwd, RULES_HEADING)];
  return createHash('sha256').update(JSON.stringify(rules)).digest('hex').slice(0, 16);
}
