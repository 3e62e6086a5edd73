/** What of the contract of the workflows the recordings hold, and what they should: each kind by its name on the wire. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { History } from '@temporalio/common/lib/proto-utils.js';
import type { ContextCache } from '../../activities/model/context-cache.ts';
import { createActivities } from '../../activities/index.ts';
import type { Ports } from '../../activities/ports.ts';
import * as workflows from '../../workflows/index.ts';
import { payloadsOf } from './histories.ts';

const WORKFLOWS = join(import.meta.dirname, '../../workflows');
/** A queries leaves no trace in a history. */
const MESSAGE = /define(Signal|Update)<[^;]*?>\(\s*'(\w+)'/g;

export function wanted(): string[] {
  const activities = Object.keys(createActivities({} as Ports, {} as ContextCache));
  return [
    ...Object.keys(workflows).map((name) => `workflow ${name}`),
    ...activities.map((name) => `activity ${name}`),
    ...messages(),
  ];
}

function messages(): string[] {
  const files = readdirSync(WORKFLOWS, { recursive: true, encoding: 'utf8' });
  const sources = files.filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'));
  return sources.flatMap((name) =>
    [...readFileSync(join(WORKFLOWS, name), 'utf8').matchAll(MESSAGE)].map(
      ([, kind = '', message = '']) => `${kind.toLowerCase()} ${message}`,
    ),
  );
}

export function coveredBy({ events }: History): string[] {
  return (events ?? []).flatMap((event) => {
    const found = {
      workflow: event.workflowExecutionStartedEventAttributes?.workflowType?.name,
      activity: event.activityTaskScheduledEventAttributes?.activityType?.name ?? localActivity(event),
      signal: event.workflowExecutionSignaledEventAttributes?.signalName,
      update: event.workflowExecutionUpdateAcceptedEventAttributes?.acceptedRequest?.input?.name,
    };
    return Object.entries(found).flatMap(([kind, name]) => (name == null ? [] : [`${kind} ${name}`]));
  });
}

type Event = NonNullable<History['events']>[number];

function localActivity({ markerRecordedEventAttributes: marker }: Event): string | undefined {
  if (marker?.markerName !== 'core_local_activity') return undefined;
  const [data] = payloadsOf(marker.details?.['data']) as ({ activity_type?: string } | undefined)[];
  return data?.activity_type;
}
