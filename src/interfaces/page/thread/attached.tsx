/** Images that go with the prompt. They are stored when they are chosen, and sent by reference. */
import { useId, useRef, useState } from 'preact/hooks';
import type { ImageInput } from '../../../contract/index.ts';
import { toVisibleLine } from '../../../contract/plain/foreign-text.ts';
import { toImageWords } from '../../../contract/plain/images/image-types.ts';
import { plural } from '../../../contract/plain/plural.ts';
import { ProblemNote, useAction } from '../base/action.tsx';
import { storeImage, toProblemWords } from '../base/api.ts';
import { Inline } from '../base/text.tsx';

const TYPES = 'image/png,image/jpeg,image/gif,image/webp';

export interface Attached {
  images: readonly ImageInput[];
  /** While one is stored. */
  isRunning: boolean;
  /** Why one was not; the others are stored all the same. */
  problem: string | null;
  add: (files: Iterable<File>) => void;
  remove: (some: readonly ImageInput[]) => void;
}

/** @param onChange called before each change: another prompt is another turn. */
export function useAttached(onChange: () => void): Attached {
  const [images, setImages] = useState<readonly ImageInput[]>([]);
  const storing = useAction();
  /** Also files that come while others are stored. */
  const waiting = useRef<File[]>([]);
  const change = (next: (now: readonly ImageInput[]) => readonly ImageInput[]): void => {
    onChange();
    setImages(next);
  };
  const storeAll = async (): Promise<void> => {
    const problems: string[] = [];
    for (let file = waiting.current.shift(); file !== undefined; file = waiting.current.shift()) {
      try {
        const stored = await storeImage(file);
        change((now) => [...now, stored]);
      } catch (error) {
        problems.push(toProblemWords(error));
      }
    }
    if (problems.length > 0) throw new Error(problems.join(' '));
  };
  return {
    images,
    isRunning: storing.isRunning,
    problem: storing.problem,
    add: (files) => {
      waiting.current.push(...files);
      void storing.run(storeAll);
    },
    remove: (some) => change((now) => now.filter((image) => !some.includes(image))),
  };
}

export function AttachedImages({ attached }: { attached: Attached }) {
  const { images, isRunning, problem, add, remove } = attached;
  const id = useId();
  return (
    <>
      <ProblemNote problem={problem === null ? null : `Not attached: ${problem}`} />
      <div role="status" class="facts">
        {isRunning ? 'Storing …' : images.length > 0 && `${plural(images.length, 'image')} will be sent.`}
      </div>
      {images.length > 0 && (
        <ul class="attached" aria-label="Images to send">
          {images.map((image, index) => (
            <li key={`${index} ${image.sha256}`}>
              <Inline text={toImageWords(image)} />{' '}
              <button
                type="button"
                onClick={() => remove([image])}
                aria-label={`Remove ${toVisibleLine(toImageWords(image))}`}
              >
                Remove
              </button>
            </li>
          ))}
        </ul>
      )}
      <label class="attach" for={id}>
        Attach images
      </label>
      <input
        id={id}
        type="file"
        accept={TYPES}
        multiple
        disabled={isRunning}
        onChange={({ currentTarget }) => {
          add(currentTarget.files ?? []);
          // The same file can be chosen again.
          currentTarget.value = '';
        }}
      />
    </>
  );
}
