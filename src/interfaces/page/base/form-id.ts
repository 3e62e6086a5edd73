/** The id of the thread that a form makes. Sent twice, it is one thread. */
import { useRef } from 'preact/hooks';
import { newId } from './api.ts';

export interface FormId {
  /** The same for the same choices. */
  current(): string;
  /** After a refusal, which has taken the id. */
  renew(): void;
}

/** @param choices what is sent; other choices are another thread */
export function useFormId(choices: readonly unknown[]): FormId {
  const made = useRef({ choices: '', id: '' });
  const renew = (): void => {
    made.current = { choices: JSON.stringify(choices), id: `page-${newId()}` };
  };
  return {
    current: () => {
      if (made.current.choices !== JSON.stringify(choices)) renew();
      return made.current.id;
    },
    renew,
  };
}
