/** What models can do. */
import type { ModelAbilities } from '../../../activities/ports.ts';
import type { Catalog } from './catalog/catalog.ts';

/** Nearly all models see images today, so an unknown one is taken to. If its endpoint refuses them, it is asked without. */
export function createAbilities(catalog: Catalog): (model: string) => ModelAbilities {
  return (model) => ({ images: catalog(model).images ?? true });
}
