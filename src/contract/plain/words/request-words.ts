/** The text of a request: the same on every screen, rendered by each medium in its own way. */
import type { Excerpt, ThreadRequest } from '../../threads/requests.ts';
import { toAmount } from './amount-words.ts';

export interface RequestWords {
  /** Our text for the question. */
  title: string;
  /**
   * The exact text of what runs; null for a request that runs nothing, or one of an earlier release whose item has it.
   */
  text: Excerpt | null;
  /** Label and value. The labels are ours; a value may contain foreign text. */
  facts: [label: string, value: string][];
}

type Of<T extends ThreadRequest['type']> = Extract<ThreadRequest, { type: T }>;

export function toRequestWords(request: ThreadRequest): RequestWords {
  const { title, text, facts: own } = describe(request);
  const { reason, justification, origin } = request;
  return {
    title,
    text,
    facts: [
      ...own,
      [mayBeTheAgents(request) ? 'agent says' : 'why', reason],
      ...facts(justification, (words) => ['agent says', words]),
      ...facts(origin ?? undefined, ({ threadId }) => ['asked by', `thread ${threadId}`]),
    ],
  };
}

/** Earlier releases gave the model's text as the reason. */
function mayBeTheAgents(request: ThreadRequest): boolean {
  return request.type === 'commandExecution' && request.sandbox === undefined && !request.sandboxed;
}

function describe(request: ThreadRequest): RequestWords {
  switch (request.type) {
    case 'commandExecution':
      return describeCommand(request);
    case 'fileChange':
      return describePatch(request);
    case 'mcpToolCall':
      return describeCall(request);
    case 'userInput':
      return { title: 'asks for an answer', text: null, facts: request.questions.flatMap(describeQuestion) };
    case 'budget':
      return describeBudget(request);
  }
}

function describeCommand(request: Of<'commandExecution'>): RequestWords {
  const { command, cwd, workspace, sandboxed, escalated, network, sandbox } = request;
  const asks = escalated === false ? 'as every command of this thread' : 'which the agent asks to leave';
  const where = sandboxed
    ? `in the sandbox${sandbox === undefined ? '' : ` (${sandbox})`}`
    : `OUTSIDE THE SANDBOX, ${asks}`;
  return {
    title: `wants to run a command ${sandboxed ? 'in the sandbox' : 'OUTSIDE THE SANDBOX'}`,
    text: { text: command, chars: command.length },
    facts: [
      ['folder', cwd],
      ...facts(workspace === cwd ? undefined : workspace, (path) => ['workspace', path]),
      ['where', where],
      ...facts(sandboxed ? undefined : 'whatever the user of the worker may read and change', (what) => [
        'reach',
        what,
      ]),
      ...facts(network, (reached) => ['network', reached ? 'can be reached' : 'cannot be reached']),
    ],
  };
}

/** One fact, or none if it is not known. */
function facts<T>(known: T | undefined, describeIt: (known: T) => [string, string]): [string, string][] {
  return known === undefined ? [] : [describeIt(known)];
}

function describePatch({ paths, leads = [], patch, sandbox, workspace }: Of<'fileChange'>): RequestWords {
  const beyond = sandbox === 'danger-full-access';
  return {
    title: `wants to change files${beyond ? ' OUTSIDE THE SANDBOX' : ''}`,
    text: patch ?? null,
    facts: [
      ...[...new Set([...paths, ...leads.map(({ path }) => path)])].flatMap((path): [string, string][] => [
        ['file', path],
        ...leads.filter((lead) => lead.path === path).map(({ to }): [string, string] => ['leads to', to]),
      ]),
      ...facts(workspace, (path) => ['workspace', path]),
      ...facts(sandbox, () => [
        'where',
        beyond ? 'OUTSIDE THE SANDBOX: wherever these files are' : 'in the workspace, not in a protected folder',
      ]),
    ],
  };
}

function describeCall({ server, tool, readOnly, arguments: given }: Of<'mcpToolCall'>): RequestWords {
  return {
    title: 'wants to call a tool of an MCP server',
    text: given ?? null,
    facts: [
      ['server', server],
      ['tool', tool],
      [
        'where',
        `OUTSIDE THE SANDBOX, in the server. Its server says that it ${readOnly ? 'only reads' : 'may write'}.`,
      ],
    ],
  };
}

function describeQuestion({ id, question, options }: Of<'userInput'>['questions'][number]): [string, string][] {
  return [
    ['question', `${id}: ${question}`],
    ...options.map(({ label, description }): [string, string] => [
      'option',
      description === '' ? label : `${label}: ${description}`,
    ]),
  ];
}

function describeBudget({ scope, limit, spent, max, grants }: Of<'budget'>): RequestWords {
  return {
    title: `wants to go on beyond the budget of its ${scope}`,
    text: null,
    facts: [
      [
        'limit',
        `${toAmount(limit, spent)} of ${toAmount(limit, max)}; accepting allows ${toAmount(limit, grants)} more`,
      ],
    ],
  };
}
