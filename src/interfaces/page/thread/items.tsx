/** The entries of a conversation. */
import { Component, type ComponentChildren } from 'preact';
import type { Item, PlanStep, StepStatus } from '../../../contract/index.ts';
import { toInputText } from '../../../contract/plain/images/image-types.ts';
import { toSeconds } from '../../../contract/plain/words/amount-words.ts';
import { toSearchWords } from '../../../contract/plain/words/search-words.ts';
import { threadAddress } from '../base/address.ts';
import { Markdown } from '../base/markdown.tsx';
import { Exact, Foreign, Inline, Output } from '../base/text.tsx';
import { StoredImages } from './images.tsx';
import type { Entry } from './state/thread-state.ts';

/** Drawn again only if it has changed. */
interface EntryProps {
  entry: Entry;
  onFork: ((turnId: string) => void) | null;
}

export class EntryView extends Component<EntryProps> {
  override shouldComponentUpdate({ entry, onFork }: EntryProps): boolean {
    return entry !== this.props.entry || (onFork === null) !== (this.props.onFork === null);
  }

  override render() {
    const { entry, onFork } = this.props;
    if ('item' in entry) return <ItemView item={entry.item} />;
    const { tone, text, turnId } = entry.note;
    return (
      <p class={`note ${tone}`} data-entry={entry.key}>
        <Inline text={text} />
        {turnId !== undefined && onFork !== null && (
          <button type="button" class="quiet" onClick={() => onFork(turnId)}>
            Fork from here
          </button>
        )}
      </p>
    );
  }
}

function ItemView({ item }: { item: Item }) {
  const content = toContent(item);
  const seen = (item.localImages ?? []).flatMap((image) => ('fault' in image ? [] : [{ ...image, name: image.path }]));
  if (content === null && seen.length === 0) return null;
  const [title, body, kind = ''] = content ?? ['Images'];
  return (
    <article class={`item ${item.type} ${kind}`} data-entry={item.id}>
      <h3>
        {title}
        {'status' in item && item.type !== 'subAgentNotification' && item.status !== 'completed' && (
          <Status status={item.status} />
        )}
      </h3>
      <StoredImages images={seen} />
      {body}
    </article>
  );
}

function Status({ status }: { status: StepStatus }) {
  return <span class={`status ${status}`}>{STATUS_WORDS[status] ?? status}</span>;
}

const STATUS_WORDS: Partial<Record<StepStatus, string>> = {
  inProgress: 'running',
  lost: 'lost: its worker ended, it may have partly run',
};

/** Title, body, and a class. Null for items that show a person nothing. */
type Content = [title: ComponentChildren, body: ComponentChildren, kind?: string] | null;

function toContent(item: Item): Content {
  switch (item.type) {
    case 'userMessage':
      return [
        'You',
        <>
          <Foreign text={toInputText(item.content)} />
          <StoredImages images={item.content.flatMap((part) => (part.type === 'image' ? [part] : []))} />
        </>,
      ];
    case 'agentMessage':
      return ['Agent', <Markdown text={item.text} />];
    case 'reasoning':
      return item.summary.length === 0 ? null : ['Reasoning', <Folded label="Read" text={item.summary.join('\n\n')} />];
    case 'webSearch':
      return ['Web search', <Foreign text={toSearchWords(item.action)} />];
    case 'turnAborted':
      return ['Stopped', <Foreign text={item.text} />];
    case 'ghostSnapshot':
      return null;
    case 'commandExecution':
      return toCommand(item);
    case 'commandSession':
      return item.continuesAs === undefined ? toSession(item) : null;
    case 'fileChange':
      return toPatch(item);
    case 'mcpToolCall':
      return [
        <>
          Tool <Inline text={`${item.server} ${item.tool}`} />
        </>,
        <>
          <Exact label="Arguments" text={JSON.stringify(item.arguments, null, 2)} folds />
          <Output text={item.output} />
          <StoredImages images={item.images ?? []} />
        </>,
      ];
    case 'imageView':
      return [
        <>
          Image <Inline text={item.path} />
        </>,
        <>
          <StoredImages images={item.images ?? []} />
          {item.status !== 'completed' && <Output text={item.output} />}
        </>,
      ];
    case 'plan':
      return ['Plan', <PlanView plan={item.plan} />];
    case 'userInput':
      return ['Questions', <Foreign text={item.questions.map((one) => toAnswered(one, item.answers)).join('\n')} />];
    case 'collabAgentToolCall':
      return [
        <>
          Agents: {item.tool}
          {item.receiverThreadIds.map((threadId) => (
            <a key={threadId} class="receiver" href={threadAddress(threadId)}>
              <Inline text={threadId} />
            </a>
          ))}
        </>,
        <Foreign text={item.prompt} />,
      ];
    case 'subAgentNotification':
      return [
        <>
          Agent{' '}
          <a href={threadAddress(item.threadId)}>
            <Inline text={item.name} />
          </a>{' '}
          ({item.status})
        </>,
        <Markdown text={item.text} />,
      ];
    case 'enteredReviewMode':
      return ['Review', <Foreign text={item.review} />];
    case 'exitedReviewMode':
      return toReview(item);
    case 'contextCompaction':
      return [
        'The context was made smaller',
        item.summary === '' ? null : <Folded label="Summary" text={item.summary} />,
      ];
    case 'turnsDropped':
      return ['Undone', <Foreign text={['These turns are undone:', ...item.dropped, ...item.notUndone].join('\n')} />];
    case 'turnsRestored':
      return ['Restored', <Foreign text={['These turns are back:', ...item.restored, ...item.notRedone].join('\n')} />];
    case 'dynamicToolCall':
      return [
        <>
          Tool <Inline text={item.call?.name ?? ''} />
        </>,
        <Output text={item.output} />,
      ];
  }
}

function toCommand(item: Extract<Item, { type: 'commandExecution' }>): Content {
  const { command, cwd, exitCode, durationMs, output, source, limit, sessionId } = item;
  const ended = [
    ...(sessionId === undefined ? [] : [`left running as session ${sessionId}`]),
    ...(exitCode === null ? [] : [`exit code ${exitCode}`]),
    ...(durationMs === null ? [] : [toSeconds(durationMs)]),
    ...(limit === undefined ? [] : [`ended by its limit of ${limit}`]),
  ];
  return [
    source === 'userShell' ? 'Your command' : 'Command',
    <>
      <Exact label="Command" text={command} folds />
      <p class="facts">
        in <Inline text={cwd} />
        {ended.length > 0 && `: ${ended.join(', ')}`}
      </p>
      <Output text={output} />
    </>,
    exitCode === null || exitCode === 0 ? '' : 'nonzero',
  ];
}

function toSession(item: Extract<Item, { type: 'commandSession' }>): Content {
  const { sessionId, command, cwd, exitCode, durationMs, output, limit } = item;
  const ended = [
    ...(exitCode === null ? [] : [`exit code ${exitCode}`]),
    ...(durationMs === null ? [] : [toSeconds(durationMs)]),
    ...(limit === undefined ? [] : [`ended by its limit of ${limit}`]),
  ];
  return [
    `Session ${sessionId}`,
    <>
      <Exact label="Command" text={command} folds />
      <p class="facts">
        in <Inline text={cwd} />
        {ended.length > 0 && `: ${ended.join(', ')}`}
      </p>
      {output !== '' && <Output text={output} />}
    </>,
  ];
}

function toPatch({ changes, patch, output, status }: Extract<Item, { type: 'fileChange' }>): Content {
  return [
    'Patch',
    <>
      <ul class="facts">
        {changes.map(({ path, kind, linesAdded, linesRemoved }) => (
          <li key={path}>
            {kind} <Inline text={path} /> +{linesAdded} -{linesRemoved}
          </li>
        ))}
      </ul>
      <Exact label="Patch" text={patch} diff folds />
      {status !== 'completed' && <Output text={output} />}
    </>,
  ];
}

function toAnswered(
  { id, question }: { id: string; question: string },
  answers: Record<string, { answers: string[] }> | null,
): string {
  return `${question} ${answers?.[id]?.answers.join(', ') ?? ''}`;
}

function toReview({ review, reviewOutput }: Extract<Item, { type: 'exitedReviewMode' }>): Content {
  if (reviewOutput === null) return ['Review ended', <Foreign text={review} />];
  return [
    `Review: ${reviewOutput.overallCorrectness ?? 'no verdict'}`,
    <>
      <Markdown text={reviewOutput.overallExplanation} />
      <ul>
        {reviewOutput.findings.map(({ title, body, codeLocation }, index) => (
          <li key={index}>
            <strong>
              <Inline text={title} />
            </strong>{' '}
            {codeLocation !== null && <Inline text={`${codeLocation.path}:${codeLocation.lineRange.start}`} />}
            <Markdown text={body} />
          </li>
        ))}
      </ul>
    </>,
  ];
}

export function PlanView({ plan }: { plan: readonly PlanStep[] }) {
  return (
    <ol class="plan">
      {plan.map(({ step, status }, index) => (
        <li key={index} class={status}>
          <Inline text={step} /> <span class="status">{status.replace('_', ' ')}</span>
        </li>
      ))}
    </ol>
  );
}

function Folded({ label, text }: { label: string; text: string }) {
  return (
    <details>
      <summary>{label}</summary>
      <Markdown text={text} />
    </details>
  );
}
