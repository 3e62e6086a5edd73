/**
 * One entity per host and task queue: its registration. The memo has all of it, so that hosts are listed and claimed without
 * a worker. Id: `host/<task queue>@<host id>`.
 */
import {
  condition,
  makeContinueAsNewFunc,
  setCurrentDetails,
  setHandler,
  upsertMemo,
  workflowInfo,
} from '@temporalio/workflow';
import { HOST_PREFIX } from '../../src/contract/plain/hosts.ts';
import type { HostRegistration } from '../../src/contract/index.ts';
import { codeSpan } from '../sandbox/plain-text.ts';
import { readMessage } from '../sandbox/read-message.ts';
import { type Parsed, Refused, parse } from '../sandbox/value-readers.ts';
import { claimHostSignal, drainHostSignal, forgetHostSignal } from './messages.ts';

export type HostResult = { status: 'forgotten' } | { status: 'refused'; reason: string };

const WORDS = 200;

export async function host(argument: unknown): Promise<HostResult> {
  const parsed = readArgument(argument);
  if (!parsed.ok) return { status: 'refused', reason: parsed.reason };
  let registration = parsed.value;
  const asked = { toForget: false };
  const change = (next: HostRegistration) => {
    registration = next;
    upsertMemo({ host: registration });
    setCurrentDetails(toDetails(registration));
  };
  setHandler(claimHostSignal, (payload) => onMessage(payload, change), {
    description: 'A worker of the same data folder serves the host on another machine; sent by workers only',
  });
  setHandler(drainHostSignal, (draining: unknown) => change({ ...registration, draining: draining !== false }), {
    description: 'The host takes no new threads: true, or false to take them again',
  });
  setHandler(forgetHostSignal, () => void (asked.toForget = true), {
    description: 'Ends the registration. A worker of the host makes a new one when it starts',
  });
  setCurrentDetails(toDetails(registration));
  await condition(() => asked.toForget || workflowInfo().continueAsNewSuggested);
  if (asked.toForget) return { status: 'forgotten' };
  // Without it, the next run would have the memo with which the first one was started.
  return makeContinueAsNewFunc<typeof host>({ memo: { host: registration } })(registration);
}

function onMessage(payload: unknown, change: (next: HostRegistration) => void): void {
  const parsed = readArgument(payload);
  if (parsed.ok) change(parsed.value);
}

function readArgument(value: unknown): Parsed<HostRegistration> {
  const read = readMessage<HostRegistration>('hostRegistration', value, 'host');
  if (!read.ok) return read;
  return parse(() => {
    const { workflowId } = workflowInfo();
    const { hostId } = read.value;
    // A replay does not know the task queue.
    if (!workflowId.startsWith(HOST_PREFIX) || !workflowId.endsWith(`@${hostId}`))
      throw new Refused(`host: ${hostId} has a workflow ${HOST_PREFIX}<task queue>@${hostId}`);
    return read.value;
  });
}

function toDetails({ hostId, machine, draining }: HostRegistration): string {
  const status = draining ? '**draining**: it takes no new threads' : '**takes threads**';
  return `Host ${codeSpan(hostId, WORDS)} on machine ${codeSpan(machine.name, WORDS)}, ${status}`;
}
