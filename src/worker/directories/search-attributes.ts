/** Checks whether the search attributes are registered, for threads that open. */
import type { SearchAttributePort } from '../../../activities/ports.ts';
import { type SearchAttributeService, listSearchAttributes } from '../../client/search-attributes.ts';

/** How long a negative answer is cached. A positive one is cached for ever. */
const MISSING_FOR_MS = 30_000;
/** Short, because an opening thread waits for the answer. */
const ANSWER_MS = 2_000;

/** Asks once, and again after a while if some were missing. */
export function createSearchAttributePort(
  service: SearchAttributeService,
  mode: 'auto' | 'on' | 'off',
): SearchAttributePort {
  let asked: { at: number; answer: Promise<boolean> } | null = null;
  const look = async (): Promise<boolean> => {
    try {
      const within: SearchAttributeService['within'] = (call) => service.within(call, ANSWER_MS);
      const states = await listSearchAttributes({ ...service, within });
      return states.every(({ status }) => status === 'registered');
    } catch {
      return false;
    }
  };
  return {
    async usable() {
      if (mode !== 'auto') return mode === 'on';
      if (asked !== null && (await asked.answer)) return true;
      if (asked === null || Date.now() - asked.at > MISSING_FOR_MS) asked = { at: Date.now(), answer: look() };
      return asked.answer;
    },
  };
}
