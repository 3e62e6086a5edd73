import { z } from 'zod';
import { EFFORTS, REASONING_SUMMARIES, SERVICE_TIERS, VERBOSITIES } from '../plain/model-options.ts';
import { WEB_SEARCHES } from '../plain/web-search.ts';
import { optional } from '../shapes.ts';

/** Members of a start argument and of the overrides of a turn. An endpoint that does not know a value refuses it. */
export const MODEL_OPTIONS = {
  effort: optional(z.enum(EFFORTS)),
  summary: optional(z.enum(REASONING_SUMMARIES)),
  verbosity: optional(z.enum(VERBOSITIES)),
  serviceTier: optional(z.enum(SERVICE_TIERS)),
  webSearch: optional(z.enum(WEB_SEARCHES)),
};
