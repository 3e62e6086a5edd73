/** One way out of Bobbin's walls that an attacker tried, as a program that tries it again. */

/** Where an attack may leave its traces: nothing of it outlives the run. */
export interface EscapePlace {
  /** Absolute; an empty folder that only this user can read. Markers, workspaces and data folders go below it. */
  root: string;
  /** Fires when the attack has taken too long. */
  signal: AbortSignal;
}

export type Outcome =
  /** The attack was tried and did nothing. */
  | { type: 'held' }
  /** It got through. `what` names the marker or the value that is where it must not be. */
  | { type: 'broken'; what: string }
  /** This machine cannot show it, and why. */
  | { type: 'notTried'; why: string };

export interface EscapeRow {
  /** Number of the row in docs/security.md; two members of one kind share it. */
  row: number;
  /** What is tried, as one cell of a Markdown table. */
  tried: string;
  /** What holds it, as one cell of a Markdown table. */
  heldBy: string;
  /** Tries it with real parts. An error counts as broken: an attack must end in a way that was foreseen. */
  attack(place: EscapePlace): Promise<Outcome>;
}

export const held: Outcome = { type: 'held' };

/** `held` unless something was found where it must not be. */
export function heldUnless(found: string | false | null | undefined): Outcome {
  return found ? { type: 'broken', what: found } : held;
}
