/** Images of the archive. They are fetched with the token, and shown from memory: the page loads nothing by itself. */
import { useEffect, useState } from 'preact/hooks';
import type { ImageRef } from '../../../contract/index.ts';
import { toVisibleLine } from '../../../contract/plain/foreign-text.ts';
import { toImageWords } from '../../../contract/plain/images/image-types.ts';
import { request, toProblemWords } from '../base/api.ts';
import { Inline } from '../base/text.tsx';

export function StoredImages({ images }: { images: readonly ImageRef[] }) {
  return (
    <>
      {images.map((image, index) => (
        <StoredImage key={`${index} ${image.sha256}`} image={image} />
      ))}
    </>
  );
}

type Loaded = { url: string } | { problem: string } | null;

function StoredImage({ image }: { image: ImageRef }) {
  const [loaded, setLoaded] = useState<Loaded>(null);
  const { sha256, width, height } = image;
  useEffect(() => {
    const stop = new AbortController();
    let url: string | undefined;
    const load = async (): Promise<void> => {
      const answer = await request(`/v1/images/${sha256}`, { signal: stop.signal });
      const bytes = await answer.blob();
      if (stop.signal.aborted) return;
      url = URL.createObjectURL(bytes);
      setLoaded({ url });
    };
    load().catch((error: unknown) => {
      if (!stop.signal.aborted) setLoaded({ problem: toProblemWords(error) });
    });
    return () => {
      stop.abort();
      if (url !== undefined) URL.revokeObjectURL(url);
    };
  }, [sha256]);
  const words = toVisibleLine(toImageWords(image));
  return (
    <figure class="image">
      {loaded !== null && 'url' in loaded && <img src={loaded.url} alt={words} width={width} height={height} />}
      <figcaption class="facts">
        <Inline text={words} />
        {loaded !== null && 'problem' in loaded && (
          <>
            {': '}
            <Inline text={loaded.problem} />
          </>
        )}
      </figcaption>
    </figure>
  );
}
