/** The recorded histories: `test/histories/<release or patch>/<scenario>/<workflow>-<run>.json`. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type History, historyFromJSON } from '@temporalio/common/lib/proto-utils.js';

export const HISTORIES = join(import.meta.dirname, '../histories');

/** Names below that folder. */
export function recordedNames(): string[] {
  const names = existsSync(HISTORIES) ? readdirSync(HISTORIES, { recursive: true, encoding: 'utf8' }) : [];
  return names.filter((name) => name.endsWith('.json')).sort();
}

export function readRecorded(name: string): History {
  return historyFromJSON(JSON.parse(readFileSync(join(HISTORIES, name), 'utf8')));
}

/** Values of payloads that are JSON; undefined for others. */
export function payloadsOf(of: { payloads?: { data?: Uint8Array | null }[] | null } | null | undefined): unknown[] {
  return (of?.payloads ?? []).map(({ data }) => {
    try {
      return JSON.parse(Buffer.from(data ?? []).toString('utf8')) as unknown;
    } catch {
      return undefined;
    }
  });
}

export function argumentOf({ events }: History): { type: string; argument: unknown } {
  const started = events?.[0]?.workflowExecutionStartedEventAttributes;
  return { type: started?.workflowType?.name ?? '', argument: payloadsOf(started?.input)[0] };
}

/** Texts of all payloads, wherever they stand. */
export function payloadTexts(value: unknown): string[] {
  if (value instanceof Uint8Array) return [Buffer.from(value).toString('utf8')];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(payloadTexts) : [];
}
