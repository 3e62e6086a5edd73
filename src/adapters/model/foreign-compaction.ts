/** Only the provider that compacted a conversation can read the result. Other providers get the stored messages. */
import type { ConversationEntry } from '../../../activities/ports.ts';

export type ReadableEntry = Exclude<ConversationEntry, { type: 'compaction' }>;

/** The conversation as that provider can read it. */
export function readableBy(provider: string, conversation: readonly ConversationEntry[]): ConversationEntry[] {
  return conversation.flatMap((entry) =>
    entry.type === 'compaction' && entry.provider !== provider ? withoutCompactions(entry.otherwise) : [entry],
  );
}

/** The conversation for other providers. */
export function withoutCompactions(conversation: readonly ConversationEntry[]): ReadableEntry[] {
  return conversation.flatMap((entry) => (entry.type === 'compaction' ? withoutCompactions(entry.otherwise) : [entry]));
}
