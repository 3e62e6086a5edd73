/** Converts a thread's history to the conversation that a model sees. */
import {
  type EnvironmentFacts,
  type ImageRef,
  type InputItem,
  type Item,
  type LocalImage,
  type ToolItemBase,
  renderReview,
} from '../../src/contract/index.ts';
import { toImageWords, toInputText } from '../../src/contract/plain/images/image-types.ts';
import type { ConversationEntry } from '../ports.ts';
import { toEnvironmentMessage } from './environment.ts';
import { UNREADABLE_SUMMARY, toSummaryMessage } from './summary-words.ts';

/** The items that count, and which compaction among them does; `first` is the number of the first one. */
export interface CountedItems {
  items: readonly Item[];
  first: number;
  compaction: number | null;
}

type CompactionItem = Extract<Item, { type: 'contextCompaction' }>;

/** An entry whose images are still in the archive. */
export type StoredEntry = ConversationEntry<ImageRef>;

/**
 * The result of a compaction comes first, then the items that it did not replace.
 * @param seen image files that no item shows yet
 */
export function toConversation(counted: CountedItems, seen: readonly LocalImage[] = []): StoredEntry[] {
  const compaction = countedCompaction(counted);
  const entries = toEntriesOf(toldItems(compaction, counted), seen);
  return compaction === null ? entries : [...fromCompaction(compaction), ...entries];
}

/** The messages of the person that the model sees, oldest first, including those that a compaction kept. */
export function userMessagesOf(counted: CountedItems): string[] {
  const compaction = countedCompaction(counted);
  const later = toldItems(compaction, counted).flatMap((item) => (item.type === 'userMessage' ? [textOf(item)] : []));
  return [...(compaction?.userMessages ?? []), ...later];
}

/** Paths of image files in messages of the person that no model has been shown, without repetition. */
export function unseenFiles(counted: CountedItems): string[] {
  const unseen = new Set<string>();
  for (const item of toldItems(countedCompaction(counted), counted)) {
    for (const { path } of item.localImages ?? []) unseen.delete(path);
    if (item.type !== 'userMessage') continue;
    for (const part of item.content) if (part.type === 'localImage') unseen.add(part.path);
  }
  return [...unseen];
}

function countedCompaction({ items, first, compaction }: CountedItems): CompactionItem | null {
  const item = compaction === null ? undefined : items[compaction - first];
  return item?.type === 'contextCompaction' ? item : null;
}

/** Without what the compaction replaces, and without the turns that were undone or rolled back. */
function toldItems(compaction: CompactionItem | null, counted: CountedItems): Item[] {
  const items = compaction === null ? counted.items : itemsBeside(compaction, counted);
  const dropped = new Set<string>();
  for (const item of items) {
    if (item.type === 'turnsDropped') for (const turnId of item.dropped) dropped.add(turnId);
    if (item.type === 'turnsRestored') for (const turnId of item.restored) dropped.delete(turnId);
  }
  return items.filter(({ turnId }) => !dropped.has(turnId));
}

function itemsBeside({ upTo, keptItems }: CompactionItem, { items, first }: CountedItems): Item[] {
  return items.filter((_item, offset) => first + offset >= upTo || keptItems.includes(first + offset));
}

function fromCompaction({ summary, userMessages, provider }: CompactionItem): StoredEntry[] {
  const messages = userMessages.map((text): StoredEntry => ({ type: 'message', role: 'user', text }));
  if (provider === null) return [...messages, { type: 'message', role: 'user', text: toSummaryMessage(summary) }];
  const { provider: name, output } = provider;
  const otherwise: StoredEntry[] = [...messages, { type: 'message', role: 'user', text: UNREADABLE_SUMMARY }];
  return [{ type: 'compaction', provider: name, output, otherwise }];
}

function toEntriesOf(items: readonly Item[], seen: readonly LocalImage[]): StoredEntry[] {
  const entries: StoredEntry[] = [];
  const fileAt = (path: string, index: number) => findFile(items, index, path) ?? fileIn(seen, path);
  const rename = createRenaming();
  for (let i = 0; i < items.length;) {
    const group = callsOfOneStep(items, i);
    entries.push(...toNews(items[i]));
    if (group.length > 0) {
      // All calls of a step first, then all outputs, as they happened.
      const named = group.map((item) => ({ ...item, callId: rename(item.callId) }));
      entries.push(...named.map(toCall), ...named.map(toOutput));
      i += group.length;
    } else {
      const index = i++;
      entries.push(...toEntries(items[index], (path) => fileAt(path, index)));
    }
  }
  return entries;
}

/** The file as the first answer after that item has it. */
function findFile(items: readonly Item[], index: number, path: string): LocalImage | undefined {
  for (const { localImages = [] } of items.slice(index + 1)) {
    const found = fileIn(localImages, path);
    if (found !== undefined) return found;
  }
  return undefined;
}

function fileIn(files: readonly LocalImage[], path: string): LocalImage | undefined {
  return files.find((file) => file.path === path);
}

/** Some models give two calls the same id, which endpoints refuse. Later ones get a number. */
function createRenaming(): (callId: string) => string {
  const taken = new Set<string>();
  return (callId) => {
    let name = callId;
    for (let n = 2; taken.has(name); n++) name = `${callId}_${n}`;
    taken.add(name);
    return name;
  };
}

/** The first item of an answer has the facts that its request ended with. */
function toNews(item: Item | undefined): StoredEntry[] {
  return item?.environment === undefined ? [] : [toEnvironmentMessage(item.environment)];
}

/** What the conversation says about the environment: of each fact the latest. */
export function toldEnvironment(counted: CountedItems): EnvironmentFacts {
  const told = toldItems(countedCompaction(counted), counted).map(({ environment }) => environment ?? {});
  return Object.assign({}, ...told) as EnvironmentFacts;
}

/** The same without what was said about the environment. */
export function withoutEnvironment<C extends CountedItems>(counted: C): C {
  return { ...counted, items: counted.items.map(({ environment: _, ...item }) => item as Item) };
}

type CalledItem = Item & ToolItemBase & { call: NonNullable<ToolItemBase['call']> };

function callsOfOneStep(items: readonly Item[], from: number): CalledItem[] {
  const first = items[from];
  if (first === undefined || !isCalled(first)) return [];
  let to = from;
  for (let next = items[to]; next !== undefined && isCalled(next) && sameStep(first, next); next = items[to]) to++;
  return items.slice(from, to).filter(isCalled);
}

function isCalled(item: Item): item is CalledItem {
  return 'callId' in item && item.call !== null;
}

function sameStep(a: Item, b: Item): boolean {
  return a.turnId === b.turnId && a.step === b.step;
}

function toCall(item: CalledItem): StoredEntry {
  return { type: 'toolCall', callId: item.callId, name: item.call.name, arguments: item.call.arguments };
}

function toOutput({ callId, call, output, images = [] }: CalledItem): StoredEntry {
  return { type: 'toolOutput', callId, name: call.name, output, ...(images.length === 0 ? {} : { images }) };
}

function toEntries(item: Item | undefined, fileAt: (path: string) => LocalImage | undefined): StoredEntry[] {
  switch (item?.type) {
    case 'userMessage':
      return [toUserMessage(item.content, fileAt)];
    case 'agentMessage':
      return [{ type: 'message', role: 'assistant', text: item.text }];
    case 'turnAborted':
      return [{ type: 'message', role: 'user', text: item.text }];
    case 'reasoning':
      return [
        {
          type: 'reasoning',
          summary: item.summary,
          ...(item.reasoningId === undefined ? {} : { id: item.reasoningId }),
          ...(item.encryptedContent === undefined ? {} : { encryptedContent: item.encryptedContent }),
        },
      ];
    case 'webSearch':
      return [{ type: 'webSearch', action: item.action }];
    case 'commandExecution':
      // A running command of the person is added when it has ended.
      if (item.status === 'inProgress') return [];
      return [{ type: 'message', role: 'user', text: describeUserShell(item.command, item.output) }];
    case 'subAgentNotification':
      return [{ type: 'message', role: 'user', text: describeNotification(item) }];
    case 'exitedReviewMode':
      return [{ type: 'message', role: 'user', text: describeReview(item) }];
    case 'enteredReviewMode':
    case 'commandSession':
    case 'collabAgentToolCall':
    case 'ghostSnapshot':
    case 'turnsDropped':
    case 'turnsRestored':
    case 'fileChange':
    case 'mcpToolCall':
    case 'plan':
    case 'userInput':
    case 'dynamicToolCall':
    case 'imageView':
    case 'contextCompaction':
    case undefined:
      // Calls are in their group. The compaction that counts comes first; others are obsolete.
      return [];
  }
}

function describeNotification({
  name,
  threadId,
  status,
  text,
}: Extract<Item, { type: 'subAgentNotification' }>): string {
  const told = JSON.stringify({ agent: name, agent_id: threadId, status, message: text });
  return `<subagent_notification>\n${told}\n</subagent_notification>`;
}

/** Its images come after the text, which names each of them where it stood. */
function toUserMessage(content: readonly InputItem[], fileAt: (path: string) => LocalImage | undefined): StoredEntry {
  const images: ImageRef[] = [];
  const lines = content.map((part) => {
    if (part.type === 'text') return part.text;
    const image = part.type === 'image' ? part : (fileAt(part.path) ?? { path: part.path, fault: 'nobody looked' });
    const name = 'path' in image ? image.path : (image.name ?? 'without a name');
    if ('fault' in image) return `[not shown: image ${name}: ${image.fault}]`;
    images.push(toRef(image));
    return `[image ${images.length} of this message: ${toImageWords({ ...image, name })}]`;
  });
  return { type: 'message', role: 'user', text: lines.join('\n'), ...(images.length === 0 ? {} : { images }) };
}

function toRef({ sha256, mediaType, bytes, width, height, name }: ImageRef): ImageRef {
  return { sha256, mediaType, bytes, width, height, ...(name === undefined ? {} : { name }) };
}

function textOf(item: Extract<Item, { type: 'userMessage' }>): string {
  return toInputText(item.content);
}

function describeReview({ review, reviewOutput }: Extract<Item, { type: 'exitedReviewMode' }>): string {
  const found =
    reviewOutput === null
      ? 'It was stopped or failed, and came to no result.'
      : renderReview(reviewOutput).join('\n') || 'It found nothing.';
  return `<review>\n<target>\n${review}\n</target>\n<result>\n${found}\n</result>\n</review>`;
}

function describeUserShell(command: string, result: string): string {
  return `<user_shell_command>\n<command>\n${command}\n</command>\n<result>\n${result}\n</result>\n</user_shell_command>`;
}
