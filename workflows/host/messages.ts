/** The messages of the registration of a host. */
import { defineSignal } from '@temporalio/workflow';
import type { HostRegistration } from '../../src/contract/index.ts';

export const claimHostSignal = defineSignal<[HostRegistration]>('claimHost');
export const drainHostSignal = defineSignal<[boolean]>('drainHost');
export const forgetHostSignal = defineSignal('forgetHost');
