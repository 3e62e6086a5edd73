/** The kinds of turns on the wire, one line each. `workflows/thread/tasks/` implements them. */
export const TURN_KINDS = {
  regular: { takesInput: true, takesImages: true },
  user_shell: { takesInput: true, runsBeside: true, runsUnasked: true },
  compact: { takesInput: false },
  review: { takesInput: false, takesReview: true },
  undo: { takesInput: false },
  redo: { takesInput: false },
  ghost_snapshot: { takesInput: false },
  custom: { takesInput: true, mayLackInput: true, runsTask: true },
} satisfies Record<string, TurnKindTraits>;
export type TurnKind = keyof typeof TURN_KINDS;

interface TurnKindTraits {
  /** Whether its turns need an `input`; others have none. */
  takesInput: boolean;
  /** Its input may have images. */
  takesImages?: true;
  /** They may also be without one. */
  mayLackInput?: true;
  /** Whether its turns need a `review`; others have none. */
  takesReview?: true;
  /** Whether its turns need a `task`, the name of one that the worker has; others have none. */
  runsTask?: true;
  /** Submitted without `onBusy`, it runs in parallel with the active turn. */
  runsBeside?: true;
  /** What it runs needs no approval and no sandbox, since a person has typed it. */
  runsUnasked?: true;
}

/** The kind in which the person and the agent talk: the one that can be rolled back, undone and forked. */
export const CONVERSATION = 'regular' satisfies TurnKind;

export function runsBeside(kind: TurnKind): boolean {
  const traits: TurnKindTraits = TURN_KINDS[kind];
  return traits.runsBeside === true;
}

export function takesReview(kind: TurnKind): boolean {
  const traits: TurnKindTraits = TURN_KINDS[kind];
  return traits.takesReview === true;
}

export function runsUnasked(kind: TurnKind): boolean {
  const traits: TurnKindTraits = TURN_KINDS[kind];
  return traits.runsUnasked === true;
}

export function runsTask(kind: TurnKind): boolean {
  const traits: TurnKindTraits = TURN_KINDS[kind];
  return traits.runsTask === true;
}

export function needsInput(kind: TurnKind): boolean {
  const traits: TurnKindTraits = TURN_KINDS[kind];
  return traits.takesInput && traits.mayLackInput !== true;
}

export function takesImages(kind: TurnKind): boolean {
  const traits: TurnKindTraits = TURN_KINDS[kind];
  return traits.takesImages === true;
}
