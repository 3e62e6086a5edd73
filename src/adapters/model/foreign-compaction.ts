/** What a provider made of a conversation can be read by that provider alone; others get what is kept beside it. */
import type { ConversationEntry } from '../../../activities/ports.ts';

export type ReadableEntry = Exclude<ConversationEntry, { type: 'compaction' }>;

/** The conversation as that provider can read it. */
export function readableBy(provider: string, conversation: readonly ConversationEntry[]): ConversationEntry[] {
  return conversation.flatMap((entry) =>
    entry.type === 'compaction' && entry.provider !== provider ? withoutCompactions(entry.otherwise) : [entry],
  );
}

/** The conversation as a provider reads it that has no such form. */
export function withoutCompactions(conversation: readonly ConversationEntry[]): ReadableEntry[] {
  return conversation.flatMap((entry) => (entry.type === 'compaction' ? withoutCompactions(entry.otherwise) : [entry]));
}
