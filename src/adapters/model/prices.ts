/** Computes the cost of a model call. */
import type { PricePort } from '../../../activities/ports.ts';
import type { Catalog, Rates } from './catalog/catalog.ts';

export function createPrices(catalog: Catalog): PricePort {
  return {
    isKnown: (model) => catalog(model).price !== undefined,
    costMicroUsd(model, usage) {
      const { price } = catalog(model);
      if (price === undefined) return null;
      const { long } = price;
      return costBy(long !== undefined && usage.inputTokens > long.inputTokens ? long : price, usage);
    },
  };
}

/** Dollars per million tokens are micro-dollars per token. Rounds up to whole micro-dollars. */
function costBy(rates: Rates, usage: Parameters<PricePort['costMicroUsd']>[1]): number {
  const cached = Math.min(usage.cachedInputTokens, usage.inputTokens);
  const fresh = usage.inputTokens - cached;
  const cost = fresh * rates.input + cached * rates.cachedInput + usage.outputTokens * rates.output;
  // Removes binary rounding errors.
  return Math.ceil(Number(cost.toFixed(6)));
}
