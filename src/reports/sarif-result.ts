/** A finding as a SARIF result. */
import type { Location, Region, ReportingDescriptor, Result, Suppression } from 'sarif';
import type { LedgerFinding, ReviewPriority } from '../contract/index.ts';
import { toPriorityWord, toTitle } from './finding-words.ts';
import { toVisible, toWellFormed } from './foreign-text.ts';
import { encodePath } from './repository.ts';
import { type ReportedFinding, toPriority } from './selection.ts';

/** Name of the base of relative paths. */
export const SOURCE_ROOT = 'SRCROOT';

/** One rule for all: a priority may change between runs, and readers treat another rule as another finding. */
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
  // A level does not distinguish P0 from P1, and readers show nothing else.
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

/** GitHub identifies findings by the second one only. If it is missing, GitHub computes one from the line. */
function toFingerprints({ fingerprint }: LedgerFinding): Record<string, string> {
  return { 'bobbinFinding/v1': fingerprint, primaryLocationLineHash: `${fingerprint}:1` };
}

/** Compared with the previous run, which did not contain a reopened finding. */
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

/** The context must be larger than the place, which shortened code may not be. */
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
