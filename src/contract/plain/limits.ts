/** Limits of the wire, in one place. Each is far enough below the service's own limits (2 MiB a payload) to be safe. */
export const LIMITS = {
  /** Bytes of one message to a workflow, as JSON, that the client sends. */
  messageBytes: 1_048_576,
  /** UTF-16 code units of all text and paths in one turn's or steer's input. */
  inputChars: 262_144,
  /** Entries of one `input` list. */
  inputItems: 64,
  /** Images of one input. */
  inputImages: 16,
  /** Bytes of one image. Endpoints take 5 to 50 MB. */
  imageBytes: 10_485_760,
  /** Pixels of one image: a screen of 8K has 33,177,600. */
  imagePixels: 33_554_432,
  /** Pixels of a row or a column of an image. */
  imageSide: 16_384,
  /** Images in the result of one tool call. */
  resultImages: 8,
  /** Images of one request to a model, and their bytes together: the newest of the conversation. */
  requestImages: 40,
  requestImageBytes: 20_971_520,
  /** Code units of an id that a caller chooses. */
  idChars: 200,
  /** Code units of titles and reasons. */
  shortChars: 2_000,
  /** Code units of a path. */
  pathChars: 4_096,
  /** Code units of a thread's own instructions. */
  instructionsChars: 131_072,
  /** Entries of one page of `events` or `items`. */
  pageSize: 500,
  /** Turns that may wait in a thread's queue. */
  queuedTurns: 100,
  /** Threads above a sub-thread. */
  pathThreads: 16,
  /** Code units of a message between agents. */
  agentMessageChars: 65_536,
  /** Tokens or model steps of a budget. */
  budgetCount: 1_000_000_000_000,
  /** Dollars of a budget. */
  budgetUsd: 1_000_000,
  /** Milliseconds of a budget: a year. */
  budgetMs: 31_536_000_000,
  /** Milliseconds since the epoch: the last time that a `Date` can show. */
  moment: 8_640_000_000_000_000,
  /** Targets of one batch. */
  batchTargets: 5_000,
  /** Code units of all the targets of one batch, as JSON: they travel in one payload. */
  batchTargetsChars: 1_000_000,
  /** Reviews of one batch that may run in parallel. */
  batchConcurrency: 100,
} as const;
