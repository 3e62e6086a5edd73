/** The ids of turns that a thread gives to a thread below it. */

export const TASK_TURN = 'task';
export const REVIEW_TURN = 'review';

export function toFollowUpTurn(number: number): string {
  return `followup-${number}`;
}

export function isGivenTurn(turnId: string): boolean {
  return turnId === TASK_TURN || turnId === REVIEW_TURN || /^followup-\d+$/.test(turnId);
}
