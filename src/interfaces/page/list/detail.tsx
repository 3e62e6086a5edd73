/** What was chosen from a list. Its heading gets the focus, so that a screen reader begins there. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { Inline } from '../base/text.tsx';

interface Props {
  title: string;
  trouble: string | null;
  children: ComponentChildren;
}

export function Detail({ title, trouble, children }: Props) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  return (
    <main>
      <h1 ref={heading} tabIndex={-1}>
        <Inline text={title} />
      </h1>
      <div role="status" class="troubles">
        {trouble !== null && (
          <p class="trouble">
            Not up to date. <Inline text={trouble} />
          </p>
        )}
      </div>
      {children}
    </main>
  );
}
