/** Codes of messages that a thread rejects. */
export const REJECTION_CODES = [
  'malformed',
  'inputTooLarge',
  'duplicateTurn',
  'turnNotActive',
  'turnNotSteerable',
  'threadBusy',
  'queueFull',
  'tooMuchWaiting',
  'turnNotQueued',
  'notEnoughTurns',
  'requestNotOpen',
  'requestMismatch',
  'ruleUnknown',
  'threadClosed',
  'notAChild',
  'samePlace',
  'notMovable',
  'agentsOpen',
] as const;

export type RejectionCode = (typeof REJECTION_CODES)[number];
