/** A finding as a result of SARIF. */
import type { Location, Region, ReportingDescriptor, Result, Suppression } from 'sarif';
import type { LedgerFinding, ReviewPriority } from '../contract/index.ts';
import { toPriorityWord, toTitle } from './finding-words.ts';
import { toVisible, toWellFormed } from './foreign-text.ts';
import { encodePath } from './repository.ts';
import { type ReportedFinding, toPriority } from './selection.ts';

/** Name of the place that paths are relative to. */
export const SOURCE_ROOT = 'SRCROOT';

/** One rule: a priority may change from run to run, and readers take a change of rule for another finding. */
export const RULE: ReportingDescriptor = {
  id: 'BOB1001',
  name: 'ReviewFinding',
  shortDescription: { text: 'A finding of a review.' },
  fullDescription: { text: 'Something that a reviewing agent found in the code or in its changes.' },
  help: { text: 'Fix it, or dismiss it in the ledger of its target with a reason.' },
  defaultConfiguration: { level: 'warning' },
};

const LEVELS: Record<ReviewPriority, Result.level> = { 0: 'error', 1: 'error', 2: 'warning', 3: 'note' };

export function toResult({ finding, change }: ReportedFinding): Result {
  const { body, priority, confidenceScore, location, dismissal } = finding;
  // A level does not tell P0 from P1, and readers show nothing else of it.
  const heading = `${priority === null ? '' : `[${toPriorityWord(finding)}] `}${toTitle(finding)}`;
  return {
    ruleId: RULE.id,
    ruleIndex: 0,
    kind: 'fail',
    level: LEVELS[toPriority(priority)],
    message: { text: [heading, toVisible(body)].filter((text) => text !== '').join('\n\n') },
    ...(location === null ? {} : { locations: [toLocation(location, finding.code)] }),
    partialFingerprints: toFingerprints(finding),
    baselineState: toBaselineState(finding, change),
    suppressions: dismissal === null || finding.state !== 'dismissed' ? [] : [toSuppression(dismissal)],
    properties: {
      findingId: finding.findingId,
      state: finding.state,
      ...(change === null ? {} : { change }),
      ...(priority === null ? {} : { priority }),
      ...(confidenceScore === null ? {} : { confidence: confidenceScore }),
      firstSeen: finding.firstSeen,
      lastSeen: finding.lastSeen,
      reopenings: finding.reopenings,
    },
  };
}

/** GitHub tells findings apart by the second one alone; where it is missing, it makes one from the line. */
function toFingerprints({ fingerprint }: LedgerFinding): Record<string, string> {
  return { 'bobbinFinding/v1': fingerprint, primaryLocationLineHash: `${fingerprint}:1` };
}

/** What is compared with is the run before. One that came back was not in it. */
function toBaselineState({ state }: LedgerFinding, change: LedgerFinding['change']): Result['baselineState'] {
  if (state === 'fixed') return 'absent';
  return change === 'new' || change === 'reopened' ? 'new' : 'unchanged';
}

function toSuppression({ by, why, at }: NonNullable<LedgerFinding['dismissal']>): Suppression {
  return {
    kind: 'external',
    status: 'accepted',
    justification: toWellFormed(why),
    properties: { by: toWellFormed(by), at },
  };
}

function toLocation(place: NonNullable<LedgerFinding['location']>, code: LedgerFinding['code']): Location {
  const { path, startLine, endLine } = place;
  return {
    physicalLocation: {
      artifactLocation: { uri: encodePath(path.replace(/^\/+/, '')), uriBaseId: SOURCE_ROOT },
      ...toRegions({ startLine, endLine }, code),
    },
  };
}

/** The lines around must hold the place and more; what was shortened may not. */
function toRegions(
  region: { startLine: number; endLine: number },
  code: LedgerFinding['code'],
): { region: Region; contextRegion?: Region } {
  if (code === null || code.text === '') return { region };
  const snippet = { text: toWellFormed(code.text) };
  const around = {
    startLine: code.startLine,
    endLine: code.startLine + code.text.replace(/\n$/, '').split('\n').length - 1,
  };
  if (around.startLine === region.startLine && around.endLine === region.endLine)
    return { region: { ...region, snippet } };
  const holds = around.startLine <= region.startLine && around.endLine >= region.endLine;
  return holds ? { region, contextRegion: { ...around, snippet } } : { region };
}
