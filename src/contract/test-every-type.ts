/**
 * One of every event, item and request of the contract, with the same foreign text wherever the contract has a string.
 * The compiler demands one of each new type. For tests of renderers.
 */
import type {
  EventBody,
  EventType,
  Item,
  ItemType,
  ThreadEvent,
  ThreadRequest,
  ThreadSettings,
  Usage,
} from './index.ts';

/** Text that a terminal, a page or a reader may mistake for something else. */
export const HOSTILE = [
  '\u001b[2J\u001b[1;1Hcleared',
  '\u001b]0;title\u0007',
  '\u001b]52;c;ZXZpbA==\u001b\\',
  '\u009b31mred',
  '\u0090q\u009c',
  'over\rwritten',
  'back\b\b\bspace',
  '\u202egnp.exe\u202c\u2066\u2069\u200e\u200f\u061c',
  'zero\u200bwidth\u200d\u2060\ufeff\u00ad',
  'tags\u{e0041}\u{e007f}',
  'fillers\u115f\u3164\u2800',
  'lines\u2028\u2029\u0085\u000b\u000c',
  'halves\ud800 \udc00',
  '\u0000\u007f',
  '? req_9 wants to run a command in the sandbox\n    | true',
].join('\n');

/** Everything that must not reach a screen. Line feeds are checked separately. */
export const RAW = /[^\P{Cc}\n]|\p{Cf}|\p{Cs}|\p{Zl}|\p{Zp}|\p{Default_Ignorable_Code_Point}|\u2800/u;

type OfType<T extends ThreadRequest['type']> = Extract<ThreadRequest, { type: T }>;

export function everyRequest(text: string): ThreadRequest[] {
  const base = {
    ...{ requestId: text, turnId: text, itemId: text, openedAt: 0, deadlineAt: 1, default: 'decline' as const },
    ...{ reason: text, justification: text },
    origin: { threadId: text, path: [text], requestId: text, answered: true },
  };
  const excerpt = { text, chars: text.length };
  const one: { [T in ThreadRequest['type']]: OfType<T> } = {
    commandExecution: {
      ...{ ...base, type: 'commandExecution', command: text, cwd: text, workspace: `/${text}` },
      ...{ sandbox: 'danger-full-access', sandboxed: false, escalated: true, network: true },
    },
    fileChange: {
      ...{ ...base, type: 'fileChange', paths: [text, text], leads: [{ path: text, to: text }], patch: excerpt },
      ...{ sandbox: 'danger-full-access', workspace: text },
    },
    mcpToolCall: { ...base, type: 'mcpToolCall', server: text, tool: text, readOnly: false, arguments: excerpt },
    userInput: {
      ...{ ...base, type: 'userInput' },
      questions: [{ id: text, header: text, question: text, options: [{ label: text, description: text }] }],
    },
    budget: { ...base, type: 'budget', scope: 'tree', limit: 'costUsd', spent: 1, max: 1, grants: 1 },
  };
  return Object.values(one);
}

export function everyItem(text: string): Item[] {
  const base = { id: text, turnId: text, step: 1 };
  const tool = {
    ...base,
    callId: text,
    call: { name: text, arguments: text },
    status: 'failed' as const,
    output: text,
  };
  const image = { sha256: text, mediaType: 'image/png' as const, bytes: 1, width: 1, height: 1, name: text };
  const target = { type: 'commit' as const, sha: text, title: text };
  const location = { path: text, lineRange: { start: 1, end: 2 }, inRepository: false, inDiff: false };
  const finding = { title: text, body: text, confidenceScore: 1, priority: 1 as const, codeLocation: location };
  const reviewOutput = {
    ...{ findings: [finding], overallCorrectness: 'patch is incorrect' as const, overallExplanation: text },
    ...{ overallConfidenceScore: 1, findingsLeftOut: 1 },
  };
  const one: { [T in ItemType]: Extract<Item, { type: T }> } = {
    userMessage: {
      ...{
        ...base,
        type: 'userMessage',
        localImages: [
          { path: text, fault: text },
          { path: text, ...image },
        ],
      },
      content: [
        { type: 'text', text },
        { type: 'image', ...image },
        { type: 'localImage', path: text },
      ],
    },
    agentMessage: { ...base, type: 'agentMessage', text },
    reasoning: { ...base, type: 'reasoning', summary: [text], reasoningId: text, encryptedContent: text },
    webSearch: { ...base, type: 'webSearch', action: { type: 'findInPage', url: text, pattern: text } },
    turnAborted: { ...base, type: 'turnAborted', text },
    ghostSnapshot: { ...base, type: 'ghostSnapshot', commit: text },
    turnsDropped: {
      ...{ ...base, type: 'turnsDropped', dropped: [text], cause: 'undo' },
      ...{ files: { restored: 1, deleted: 1 }, paths: [{ path: text, outcome: 'merged' }], notUndone: [text] },
    },
    turnsRestored: {
      ...{ ...base, type: 'turnsRestored', restored: [text], files: { restored: 1, deleted: 1, merged: 1, kept: 1 } },
      ...{ paths: [{ path: text, outcome: 'kept', reason: text }], morePaths: 1, notRedone: [text] },
    },
    commandExecution: {
      ...{ ...tool, type: 'commandExecution', command: text, cwd: text, source: 'agent', exitCode: 1, durationMs: 1 },
      ...{ limit: 'memoryMb', sessionId: 1 },
    },
    commandSession: {
      ...{ ...base, type: 'commandSession', sessionId: 1, command: text, cwd: text, status: 'failed', output: text },
      ...{ exitCode: 1, durationMs: 1, limit: 'memoryMb' },
    },
    fileChange: {
      ...{ ...tool, type: 'fileChange', patch: text },
      changes: [{ path: text, kind: 'move', movePath: text, linesAdded: 1, linesRemoved: 1 }],
    },
    mcpToolCall: {
      ...{ ...tool, type: 'mcpToolCall', server: text, tool: text, arguments: { [text]: text }, durationMs: 1 },
      images: [image],
    },
    imageView: { ...tool, type: 'imageView', path: text, images: [image] },
    plan: { ...tool, type: 'plan', plan: [{ step: text, status: 'pending' }], explanation: text },
    userInput: { ...tool, type: 'userInput', questions: [], answers: { [text]: { answers: [text] } } },
    collabAgentToolCall: {
      ...{ ...tool, type: 'collabAgentToolCall', tool: 'spawn_agent', receiverThreadIds: [text], prompt: text },
    },
    enteredReviewMode: { ...base, type: 'enteredReviewMode', review: text, target },
    exitedReviewMode: {
      ...{ ...base, type: 'exitedReviewMode', review: text, reviewOutput, range: { base: text, head: text } },
    },
    subAgentNotification: { ...base, type: 'subAgentNotification', threadId: text, name: text, status: text, text },
    contextCompaction: {
      ...{ ...base, type: 'contextCompaction', trigger: 'manual', summary: text, userMessages: [text] },
      ...{ provider: { provider: text, output: [{ [text]: text }] }, upTo: 1, keptItems: [], tokensBefore: 1 },
      ...{ droppedEntries: 1, durationMs: 1 },
    },
    dynamicToolCall: { ...tool, type: 'dynamicToolCall' },
  };
  return Object.values(one);
}

const USAGE: Usage = {
  ...{ inputTokens: 1, cachedInputTokens: 1, outputTokens: 1, reasoningOutputTokens: 1, totalTokens: 2 },
  costMicroUsd: null,
};

/** For the types that contain an item or a request, one for each of those. */
export function everyEvent(text: string): ThreadEvent[] {
  const [requests, items] = [everyRequest(text), everyItem(text)];
  const asking = (type: ThreadRequest['type']) => requests.find((request) => request.type === type) as ThreadRequest;
  const error = { code: text, message: text };
  const completion = {
    ...{ turnId: text, kind: 'regular' as const, lastAgentMessage: text, startedAt: 1, durationMs: 1, usage: USAGE },
  };
  const rule = {
    ...{ ruleId: text, scope: 'thread' as const, decision: 'accept' as const, by: 'person' as const, at: 1 },
    ...{ threadId: text, turnId: text },
    match: { type: 'commandExecution' as const, command: text, cwd: text, sandbox: 'read-only' as const },
  };
  const settings: ThreadSettings = {
    ...{ cwd: text, title: text, model: text, instructions: text, approvalPolicy: 'never' as const },
    sandbox: 'read-only' as const,
    ...{ agentIdentity: { mode: 'off' as const, account: text }, unattended: null, parent: null, snapshots: true },
    ...{ subThreads: { maxDepth: 1, maxActive: 1 }, searchAttributes: true, repositoryRules: true, reviewModel: text },
    identityWaitMs: null,
    ...{
      budget: {},
      requestDeadlineMs: 1,
      waitingApart: true,
      promptInMemo: true,
      quietFirstStep: true,
      network: true,
      continueAsNewAfter: { events: 1, bytes: 1 },
    },
  };
  const subThread = { threadId: text, name: text, role: 'agent' as const, turnId: text, lastAgentMessage: text };
  const bodies: { [T in EventType]: Extract<EventBody, { type: T }>[] } = {
    'thread/started': [
      { type: 'thread/started', threadId: text, settings, forkedFrom: { threadId: text, turnId: text } },
    ],
    'workspace/bound': [{ type: 'workspace/bound', host: text, cwd: text, root: text }],
    'workspace/moved': [
      {
        type: 'workspace/moved',
        from: { host: text, cwd: text },
        to: { host: text, cwd: text },
        asOf: 1,
        receipt: { restored: { commit: text, tree: text, files: 1 }, notRestored: [text], quiescent: true },
      },
    ],
    'thread/closed': [{ type: 'thread/closed', reason: text }],
    'thread/rolledBack': [{ type: 'thread/rolledBack', numTurns: 1, dropped: [text] }],
    'turn/started': [{ type: 'turn/started', turnId: text, kind: 'regular', besideTurnId: text }],
    'turn/completed': [
      { type: 'turn/completed', turn: { ...completion, status: 'completed' } },
      {
        type: 'turn/completed',
        turn: { ...completion, status: 'aborted', reason: 'replaced', detail: text, quiescent: false },
      },
      { type: 'turn/completed', turn: { ...completion, status: 'failed', error } },
    ],
    'turn/queued': [{ type: 'turn/queued', turnId: text, kind: 'regular' }],
    'turn/queueUpdated': [{ type: 'turn/queueUpdated', turnId: text, change: 'edited', queue: [text] }],
    'turn/steered': [{ type: 'turn/steered', turnId: text, steerTurnId: text }],
    'turn/plan/updated': [
      { type: 'turn/plan/updated', turnId: text, explanation: text, plan: [{ step: text, status: 'completed' }] },
    ],
    'item/started': items.map((item) => ({ type: 'item/started', turnId: text, item })),
    'item/completed': items.map((item) => ({ type: 'item/completed', turnId: text, item })),
    'item/commandExecution/requestApproval': [
      { type: 'item/commandExecution/requestApproval', request: asking('commandExecution') },
    ],
    'item/fileChange/requestApproval': [{ type: 'item/fileChange/requestApproval', request: asking('fileChange') }],
    'item/mcpToolCall/requestApproval': [{ type: 'item/mcpToolCall/requestApproval', request: asking('mcpToolCall') }],
    'item/tool/requestUserInput': [{ type: 'item/tool/requestUserInput', request: asking('userInput') }],
    'turn/budget/requestApproval': [{ type: 'turn/budget/requestApproval', request: asking('budget') }],
    'serverRequest/resolved': [{ type: 'serverRequest/resolved', requestId: text, decision: 'accept', by: 'person' }],
    'rule/remembered': [{ type: 'rule/remembered', rule }],
    'rule/applied': [{ type: 'rule/applied', turnId: text, itemId: text, decision: 'accept', ruleIds: [text] }],
    'rule/revoked': [{ type: 'rule/revoked', ruleId: text }],
    'subThread/updated': [{ type: 'subThread/updated', subThread: { ...subThread, status: 'errored' } }],
    'thread/tokenUsage/updated': [{ type: 'thread/tokenUsage/updated', turnId: text, last: USAGE, total: USAGE }],
    error: [{ type: 'error', turnId: text, error, willRetry: false }],
    warning: [{ type: 'warning', message: text }],
    'message/rejected': [{ type: 'message/rejected', message: text, code: 'malformed', reason: text, id: text }],
    'agentTask/registered': [{ type: 'agentTask/registered', agentRuntimeId: text, taskId: text, registeredAt: text }],
    'agentTask/cleared': [{ type: 'agentTask/cleared', reason: 'stale' }],
  };
  return Object.values(bodies)
    .flat()
    .map((body, index) => ({ seq: index + 1, at: 1, ...body }));
}
