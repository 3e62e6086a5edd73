/** The names a bare thread answers to. */
import { defineQuery, defineSignal } from '@temporalio/workflow';
import type { SubmitTurn } from '../../src/contract/index.ts';

export const turnSignal = defineSignal<[SubmitTurn]>('turn');
/** Turns that have ended. */
export const endedQuery = defineQuery<number>('ended');
