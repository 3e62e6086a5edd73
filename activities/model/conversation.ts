/** From the thread's history to the conversation as a model sees it. */
import type { Item, ToolItemBase } from '../../src/contract/index.ts';
import type { ConversationEntry } from '../ports.ts';

export function toConversation(items: readonly Item[]): ConversationEntry[] {
  const entries: ConversationEntry[] = [];
  const rename = createRenaming();
  for (let i = 0; i < items.length;) {
    const group = callsOfOneStep(items, i);
    if (group.length > 0) {
      // All calls of a step first, then all outputs: the order in which they came about.
      const named = group.map((item) => ({ ...item, callId: rename(item.callId) }));
      entries.push(...named.map(toCall), ...named.map(toOutput));
      i += group.length;
    } else {
      entries.push(...toEntries(items[i]));
      i++;
    }
  }
  return entries;
}

/** Some models give two calls the same id, and endpoints then refuse the conversation: later ones get a number. */
function createRenaming(): (callId: string) => string {
  const taken = new Set<string>();
  return (callId) => {
    let name = callId;
    for (let n = 2; taken.has(name); n++) name = `${callId}_${n}`;
    taken.add(name);
    return name;
  };
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

function toCall(item: CalledItem): ConversationEntry {
  return { type: 'toolCall', callId: item.callId, name: item.call.name, arguments: item.call.arguments };
}

function toOutput(item: CalledItem): ConversationEntry {
  return { type: 'toolOutput', callId: item.callId, name: item.call.name, output: item.output };
}

function toEntries(item: Item | undefined): ConversationEntry[] {
  switch (item?.type) {
    case 'userMessage':
      return [{ type: 'message', role: 'user', text: item.content.map((part) => part.text).join('\n') }];
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
    case 'commandExecution':
      // A command of the person that still runs is told once it has ended.
      if (item.status === 'inProgress') return [];
      return [{ type: 'message', role: 'user', text: describeUserShell(item.command, item.output) }];
    case 'subAgentNotification':
      return [{ type: 'message', role: 'user', text: describeNotification(item) }];
    case 'collabAgentToolCall':
    case 'fileChange':
    case 'mcpToolCall':
    case 'plan':
    case 'userInput':
    case 'dynamicToolCall':
    case undefined:
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

function describeUserShell(command: string, result: string): string {
  return `<user_shell_command>\n<command>\n${command}\n</command>\n<result>\n${result}\n</result>\n</user_shell_command>`;
}
