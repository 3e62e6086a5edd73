import type { WebSearch } from './web-search.ts';

/** How a model works on a request. `default` leaves it to the endpoint. */
export const EFFORTS = ['default', 'none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'] as const;
export const REASONING_SUMMARIES = ['default', 'auto', 'concise', 'detailed'] as const;
export const VERBOSITIES = ['default', 'low', 'medium', 'high'] as const;
export const SERVICE_TIERS = ['default', 'auto', 'flex', 'priority'] as const;

export interface ModelOptions {
  /** How much a model reasons. */
  effort?: (typeof EFFORTS)[number];
  /** How its reasoning is summarised for readers. */
  summary?: (typeof REASONING_SUMMARIES)[number];
  /** How long its answers are. */
  verbosity?: (typeof VERBOSITIES)[number];
  serviceTier?: (typeof SERVICE_TIERS)[number];
  /** Whether it may search the web; `off` if left out. The operator may allow less (`BOBBIN_WEB_SEARCH`). */
  webSearch?: WebSearch;
}

/** Those that are given, out of a larger object. */
export function modelOptionsOf({
  effort,
  summary,
  verbosity,
  serviceTier,
  webSearch,
}: { [Name in keyof ModelOptions]?: ModelOptions[Name] | undefined }): ModelOptions {
  return {
    ...(effort === undefined ? {} : { effort }),
    ...(summary === undefined ? {} : { summary }),
    ...(verbosity === undefined ? {} : { verbosity }),
    ...(serviceTier === undefined ? {} : { serviceTier }),
    ...(webSearch === undefined ? {} : { webSearch }),
  };
}
