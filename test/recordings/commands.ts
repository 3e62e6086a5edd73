/**
 * What a replay emits, compared with what was recorded: type, id, input, result, timeouts, retry policy, memo, search
 * attributes and summaries. A history does not hold how a step is cancelled, nor the input of a local activity.
 */
import type { History } from '@temporalio/common/lib/proto-utils.js';

/** One command, or the event that it became, in one shape. */
interface Entry {
  /** Unique within its run. */
  key: string;
  content: unknown;
}

type Fields = Record<string, unknown>;

/** Sentences about what differs; none where the replay does the same. */
export function differences(history: History, commands: readonly object[]): string[] {
  const recorded = numbered((history.events ?? []).flatMap((event) => fromEvent(plain(event) as Fields)));
  const all = commands.map((command) => plain(command) as Fields);
  const emitted = numbered(all.flatMap(fromCommand));
  const calledOff = new Set(all.flatMap(toCalledOff));
  return [
    ...[...recorded].flatMap(([key, content]) => {
      if (!emitted.has(key)) return [`${key} was recorded, and is not emitted`];
      const now = emitted.get(key) ?? null;
      return compare(key, content, now);
    }),
    ...[...emitted.keys()]
      .filter((key) => !recorded.has(key) && !calledOff.has(key))
      .map((key) => `${key} is emitted, and was not recorded`),
  ];
}

/** Entries that have no id are distinguished by their order. */
function numbered(entries: Entry[]): Map<string, unknown> {
  const found = new Map<string, unknown>();
  for (const { key, content } of entries) {
    let unique = key;
    for (let number = 2; found.has(unique); number++) unique = `${key} (${number})`;
    found.set(unique, content);
  }
  return found;
}

/** What is told to the next run, to a parent or to a client may have members that are new. */
const MAY_GROW = /^(continue as new|complete|update )/;

function compare(where: string, recorded: unknown, emitted: unknown): string[] {
  if (isTree(recorded) && isTree(emitted)) {
    const more = MAY_GROW.test(where) ? [] : Object.keys(emitted);
    const names = new Set([...Object.keys(recorded), ...more]);
    return [...names].flatMap((name) => compare(`${where}.${name}`, recorded[name], emitted[name]));
  }
  const [before, now] = [inWords(recorded), inWords(emitted)];
  return before === now ? [] : [`${where} was ${before}, and is ${now}`];
}

function inWords(value: unknown): string {
  return value === undefined ? 'left out' : JSON.stringify(value);
}

// ------------------------------------------------------------------------------------------------------------- events

function fromEvent(event: Fields): Entry[] {
  const { summary } = fields(event['userMetadata']);
  for (const [name, attributes] of Object.entries(event)) {
    const entry = EVENTS[name]?.(fields(attributes));
    if (entry !== undefined && entry !== null)
      return [{ ...entry, content: { ...fields(entry.content), summary: payload(summary) } }];
  }
  return [];
}

const EVENTS: Record<string, (attributes: Fields) => Entry | null> = {
  activityTaskScheduledEventAttributes: ({ activityId, activityType, ...rest }) => ({
    key: `activity ${String(activityId)}`,
    content: { type: fields(activityType)['name'], input: payloads(rest['input']), ...activityOptions(rest) },
  }),
  timerStartedEventAttributes: ({ timerId, startToFireTimeout }) => ({
    key: `timer ${String(timerId)}`,
    content: { startToFireTimeout },
  }),
  startChildWorkflowExecutionInitiatedEventAttributes: ({ workflowId, workflowType, ...rest }) => ({
    key: `child ${String(workflowId)}`,
    content: { type: fields(workflowType)['name'], input: payloads(rest['input']), ...childOptions(rest) },
  }),
  signalExternalWorkflowExecutionInitiatedEventAttributes: ({ signalName, workflowExecution, input }) => ({
    key: `signal ${String(signalName)} to ${String(fields(workflowExecution)['workflowId'])}`,
    content: { input: payloads(input) },
  }),
  upsertWorkflowSearchAttributesEventAttributes: ({ searchAttributes }) => upsert(fields(searchAttributes)),
  workflowPropertiesModifiedEventAttributes: ({ upsertedMemo }) => ({
    key: 'memo',
    content: { memo: map(fields(upsertedMemo)['fields']) },
  }),
  markerRecordedEventAttributes: ({ markerName, details }) => marker(String(markerName), fields(details)),
  workflowExecutionUpdateAcceptedEventAttributes: ({ protocolInstanceId }) => ({
    key: `update ${String(protocolInstanceId)} accepted`,
    content: {},
  }),
  workflowExecutionUpdateCompletedEventAttributes: ({ meta, outcome }) => ({
    key: `update ${String(fields(meta)['updateId'])} ended`,
    content: { ...toOutcome(fields(outcome)) },
  }),
  workflowExecutionContinuedAsNewEventAttributes: ({ workflowType, input }) => ({
    key: 'continue as new',
    content: { type: fields(workflowType)['name'], input: payloads(input) },
  }),
  workflowExecutionCompletedEventAttributes: ({ result }) => ({
    key: 'complete',
    content: { result: payloads(result) },
  }),
  workflowExecutionFailedEventAttributes: ({ failure }) => ({ key: 'fail', content: { failure: toFailure(failure) } }),
  workflowExecutionCanceledEventAttributes: () => ({ key: 'end as cancelled', content: {} }),
};

/** That of the patches of a run is written along with their markers, by no command. */
function upsert({ indexedFields }: Fields): Entry | null {
  const { TemporalChangeVersion: _patches, ...own } = map(indexedFields);
  return Object.keys(own).length === 0 ? null : { key: 'search attributes', content: { searchAttributes: own } };
}

function marker(name: string, details: Fields): Entry | null {
  const [data] = payloads(details['data']) as Fields[];
  if (name === 'core_local_activity')
    return { key: `local activity ${String(data?.['seq'])}`, content: { type: data?.['activity_type'] } };
  const [patch] = payloads(details['patch-data']) as Fields[];
  return name === 'core_patch' ? { key: `patch ${String(patch?.['id'])}`, content: {} } : null;
}

// ----------------------------------------------------------------------------------------------------------- commands

/** The key of what a command calls off: where that is in the task that begins it, neither becomes an event. */
function toCalledOff({ cancelTimer, requestCancelActivity }: Fields): string[] {
  if (cancelTimer !== undefined) return [`timer ${String(fields(cancelTimer)['seq'])}`];
  return requestCancelActivity === undefined ? [] : [`activity ${String(fields(requestCancelActivity)['seq'])}`];
}

function fromCommand(command: Fields): Entry[] {
  const { summary } = fields(command['userMetadata']);
  for (const [name, attributes] of Object.entries(command)) {
    const entry = COMMANDS[name]?.(fields(attributes));
    if (entry !== undefined && entry !== null)
      return [{ ...entry, content: { ...fields(entry.content), summary: payload(summary) } }];
  }
  return [];
}

const COMMANDS: Record<string, (attributes: Fields) => Entry | null> = {
  scheduleActivity: ({ activityId, activityType, arguments: input, ...rest }) => ({
    key: `activity ${String(activityId)}`,
    content: { type: activityType, input: payloads(input), ...activityOptions(rest) },
  }),
  startTimer: ({ seq, startToFireTimeout }) => ({ key: `timer ${String(seq)}`, content: { startToFireTimeout } }),
  scheduleLocalActivity: ({ seq, activityType }) => ({
    key: `local activity ${String(seq)}`,
    content: { type: activityType },
  }),
  startChildWorkflowExecution: ({ workflowId, workflowType, input, ...rest }) => ({
    key: `child ${String(workflowId)}`,
    content: { type: workflowType, input: payloads(input), ...childOptions(rest) },
  }),
  signalExternalWorkflowExecution: ({ signalName, workflowExecution, args }) => ({
    key: `signal ${String(signalName)} to ${String(fields(workflowExecution)['workflowId'])}`,
    content: { input: payloads(args) },
  }),
  upsertWorkflowSearchAttributes: ({ searchAttributes }) => ({
    key: 'search attributes',
    content: { searchAttributes: map(fields(searchAttributes)['indexedFields'] ?? searchAttributes) },
  }),
  modifyWorkflowProperties: ({ upsertedMemo }) => ({
    key: 'memo',
    content: { memo: map(fields(upsertedMemo)['fields']) },
  }),
  setPatchMarker: ({ patchId }) => ({ key: `patch ${String(patchId)}`, content: {} }),
  updateResponse: ({ protocolInstanceId, rejected, completed }) =>
    rejected === undefined && completed === undefined
      ? { key: `update ${String(protocolInstanceId)} accepted`, content: {} }
      : {
          key: `update ${String(protocolInstanceId)} ended`,
          content: rejected === undefined ? { success: [payload(completed)] } : { failure: toFailure(rejected) },
        },
  continueAsNewWorkflowExecution: ({ workflowType, arguments: input }) => ({
    key: 'continue as new',
    content: { type: workflowType, input: payloads(input) },
  }),
  completeWorkflowExecution: ({ result }) => ({
    key: 'complete',
    content: { result: [payload(result)] },
  }),
  failWorkflowExecution: ({ failure }) => ({ key: 'fail', content: { failure: toFailure(failure) } }),
  cancelWorkflowExecution: () => ({ key: 'end as cancelled', content: {} }),
};

// ------------------------------------------------------------------------------------------------------------- values

function activityOptions(from: Fields): Fields {
  return {
    ...pick(from, ['scheduleToCloseTimeout', 'scheduleToStartTimeout', 'startToCloseTimeout', 'heartbeatTimeout']),
    retryPolicy: withDefaults(fields(from['retryPolicy'])),
  };
}

/** What the service fills in by itself. */
function withDefaults(policy: Fields): Fields {
  const initialInterval = policy['initialInterval'] ?? { seconds: 1 };
  const seconds = 100 * toSeconds(fields(initialInterval));
  return { backoffCoefficient: 2, maximumInterval: { seconds }, ...policy, initialInterval };
}

function toSeconds({ seconds = 0, nanos = 0 }: Fields): number {
  return Number(seconds) + Number(nanos) / 1e9;
}

/** Of `temporal.api.enums.v1.WorkflowIdReusePolicy`; what the service fills in. */
const ALLOW_DUPLICATE = 1;

function childOptions(from: Fields): Fields {
  const memo = fields(from['memo']);
  return {
    ...pick(from, ['workflowExecutionTimeout', 'workflowRunTimeout', 'workflowTaskTimeout']),
    ...pick({ workflowIdReusePolicy: ALLOW_DUPLICATE, ...from }, ['parentClosePolicy', 'workflowIdReusePolicy']),
    memo: map(memo['fields'] ?? memo),
  };
}

function pick(from: Fields, names: string[]): Fields {
  return Object.fromEntries(names.map((name) => [name, from[name]]));
}

function toOutcome({ success, failure }: Fields): Fields {
  return failure === undefined ? { success: payloads(success) } : { failure: toFailure(failure) };
}

/** Where in the code it was thrown is nobody's business. */
function toFailure(failure: unknown): unknown {
  if (!isFields(failure)) return failure;
  const { stackTrace: _stack, source: _source, encodedAttributes: _encoded, cause, ...rest } = failure;
  return { ...rest, cause: toFailure(cause) };
}

function map(of: unknown): Fields {
  return Object.fromEntries(Object.entries(fields(of)).map(([name, value]) => [name, payload(value)]));
}

function payloads(of: unknown): unknown[] {
  const list = Array.isArray(of) ? (of as unknown[]) : fields(of)['payloads'];
  return Array.isArray(list) ? list.map(payload) : [];
}

/** JSON as the value that it stands for, so that a difference is named by its path. */
function payload(of: unknown): unknown {
  const { data } = fields(of);
  if (typeof data !== 'string') return null;
  try {
    return JSON.parse(data) as unknown;
  } catch {
    return data;
  }
}

/** A list counts as well, with its places as names. */
function isTree(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fields(value: unknown): Fields {
  return isFields(value) ? value : {};
}

/** Messages of protocol buffers as plain values: bytes as text, long numbers as numbers, and nothing that is left out. */
function plain(value: unknown): unknown {
  // What comes out of a workflow is of another realm.
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8');
  if (Array.isArray(value)) return value.map(plain);
  if (!isFields(value)) return value;
  const { low, high, unsigned } = value;
  if (typeof low === 'number' && typeof high === 'number' && unsigned !== undefined)
    return high * 2 ** 32 + (low >>> 0);
  const entries = Object.entries(value).map(([name, member]) => [name, plain(member)] as const);
  return Object.fromEntries(entries.filter(([name, member]) => !isLeftOut(name, member)));
}

/** A limit of no time is none. */
function isLeftOut(name: string, value: unknown): boolean {
  if (isFields(value)) return Object.keys(value).length === 0 && /(Timeout|Interval)$/.test(name);
  return value === undefined || value === null || value === 0 || value === '';
}
