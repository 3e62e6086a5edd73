/** A list on the left: of threads, of reviews or of schedules. */
import type { ComponentChildren } from 'preact';
import { Inline } from '../base/text.tsx';

interface PaneProps {
  label: string;
  trouble: string | null;
  isRead: boolean;
  isEmpty: boolean;
  children: ComponentChildren;
}

export function Pane({ label, trouble, isRead, isEmpty, children }: PaneProps) {
  return (
    <nav class="list" aria-label={label}>
      <div role="status">
        {trouble !== null && (
          <p class="trouble">
            The list is not up to date. <Inline text={trouble} />
          </p>
        )}
        {!isRead && trouble === null && <p class="facts">Reading …</p>}
        {isEmpty && <p class="facts">Nothing is here yet.</p>}
      </div>
      {children}
    </nav>
  );
}

interface RowProps {
  href: string;
  isCurrent: boolean;
  title: string;
  children: ComponentChildren;
}

export function Row({ href, isCurrent, title, children }: RowProps) {
  return (
    <li>
      <a href={href} aria-current={isCurrent ? 'page' : undefined}>
        <span class="title">
          <Inline text={title} />
        </span>
        {children}
      </a>
    </li>
  );
}
