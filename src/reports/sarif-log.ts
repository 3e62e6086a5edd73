/** What is used of SARIF 2.1.0 (https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html); members by its names. */

export interface SarifLog {
  $schema: string;
  version: '2.1.0';
  runs: SarifRun[];
}

export interface SarifRun {
  tool: { driver: { name: string; semanticVersion: string; rules: SarifRule[] } };
  automationDetails?: { id: string };
  invocations: SarifInvocation[];
  versionControlProvenance?: SarifVersionControl[];
  originalUriBaseIds: Record<string, { uri?: string; description: SarifText }>;
  /** Left out where nothing was ever looked at: an empty list would say that nothing was found. */
  results?: SarifResult[];
  columnKind: 'utf16CodeUnits';
  properties: Record<string, unknown>;
}

interface SarifText {
  text: string;
}

export interface SarifRule {
  id: string;
  name: string;
  shortDescription: SarifText;
  fullDescription: SarifText;
  help: SarifText;
  defaultConfiguration: { level: SarifLevel };
}

export type SarifLevel = 'error' | 'warning' | 'note';

export interface SarifInvocation {
  executionSuccessful: boolean;
  startTimeUtc?: string;
  endTimeUtc?: string;
  toolExecutionNotifications: { level: SarifLevel; message: SarifText; descriptor?: { id: string } }[];
}

interface SarifVersionControl {
  repositoryUri: string;
  revisionId?: string;
  branch?: string;
  mappedTo: { uriBaseId: string };
}

export interface SarifRegion {
  startLine: number;
  endLine: number;
  snippet?: SarifText;
}

export interface SarifLocation {
  physicalLocation: {
    artifactLocation: { uri: string; uriBaseId: string };
    region: SarifRegion;
    contextRegion?: SarifRegion;
  };
}

export interface SarifResult {
  ruleId: string;
  ruleIndex: 0;
  kind: 'fail';
  level: SarifLevel;
  message: { text: string; markdown?: string };
  locations?: SarifLocation[];
  partialFingerprints: Record<string, string>;
  baselineState: 'new' | 'unchanged' | 'absent';
  /** On every result, or on none of a run. */
  suppressions: { kind: 'external'; status: 'accepted'; justification: string; properties: Record<string, unknown> }[];
  properties: Record<string, unknown>;
}
