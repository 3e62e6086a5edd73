/** Lets the model see an image file. It only reads, so it may run again. */
import { toImageWords } from '../../src/contract/plain/images/image-types.ts';
import type { ViewImageStep, ViewImageStepResult } from '../contract.ts';
import type { Ports } from '../ports.ts';
import { runStep } from '../step.ts';
import { readImageFile } from './image-files.ts';

export async function viewImage(ports: Ports, input: ViewImageStep): Promise<ViewImageStepResult> {
  return runStep<{ type: 'viewImage' }, ViewImageStepResult>(
    { ...ports, ...input },
    { type: 'viewImage' },
    async (step) => {
      const { path, ...place } = input;
      ports.requireWorkspace(place.cwd, place.root);
      const { path: _, ...image } = await readImageFile(ports, path, place, step.signal);
      if ('fault' in image) return { type: 'refused', reason: `${path} cannot be seen: ${image.fault}.` };
      return { type: 'viewed', image, output: toImageWords(image) };
    },
  );
}
