/** A request to a person, with the whole text of what would run, and its answers. */
import { useEffect, useState } from 'preact/hooks';
import type { Answers, RequestOrigin, ResolveRequest, SubThread, ThreadRequest } from '../../../contract/index.ts';
import { mayBeRemembered } from '../../../contract/plain/remembering.ts';
import { toRequestWords } from '../../../contract/plain/words/request-words.ts';
import { threadAddress } from '../base/address.ts';
import { Exact, Inline } from '../base/text.tsx';

export type Answer = Omit<ResolveRequest, 'requestId'>;

/** The buttons work after this time, so that no click that was meant for something else answers. */
const READING_MS = 500;

interface RequestProps {
  request: ThreadRequest;
  /** The agents of the thread that shows it. */
  agents: readonly SubThread[];
  /** Changes when what is shown around it changes: what was under the pointer may be something else now. */
  place: string;
  /** Null if this token may not answer. */
  onAnswer: ((answer: Answer) => void) | null;
}

export function RequestView({ request, agents, place, onAnswer }: RequestProps) {
  const [readyAt, setReadyAt] = useState<string | null>(null);
  const isReady = readyAt === place;
  useEffect(() => {
    const timer = setTimeout(() => setReadyAt(place), READING_MS);
    return () => clearTimeout(timer);
  }, [place]);
  const { title, text, facts } = toRequestWords(request);
  const heading = `request-${request.requestId}`;
  const missing = text === null ? 0 : text.chars - text.text.length;
  return (
    <section class="request" aria-labelledby={heading} data-request={request.requestId}>
      <h3 id={heading}>The agent {title}</h3>
      {request.origin !== null && <OriginPath origin={request.origin} agents={agents} />}
      {text !== null && <Exact label="The whole text" text={text.text} diff={request.type === 'fileChange'} />}
      {missing > 0 && <p class="note error">{missing} characters are not shown. Read the rest before you approve.</p>}
      <dl>
        {facts.map(([label, value], index) => (
          <div key={index}>
            <dt>{label}</dt>
            <dd>
              <Inline text={value} />
            </dd>
          </div>
        ))}
      </dl>
      {onAnswer === null ? (
        <p class="facts">Your token does not allow to answer.</p>
      ) : request.type === 'userInput' ? (
        <Questions request={request} isReady={isReady} onAnswer={onAnswer} />
      ) : (
        <div class="buttons" role="group" aria-label="Answer">
          {choicesOf(request).map(({ label, answer, kind = '' }) => (
            <button key={label} type="button" class={kind} disabled={!isReady} onClick={() => onAnswer(answer)}>
              {label}
            </button>
          ))}
        </div>
      )}
    </section>
  );
}

/** From the agent of this thread down to the one that asks. */
function OriginPath({ origin: { path }, agents }: { origin: RequestOrigin; agents: readonly SubThread[] }) {
  return (
    <p class="facts path">
      Asked by agent{' '}
      {path.map((threadId, index) => (
        <span key={threadId}>
          {index > 0 && ' › '}
          <a href={threadAddress(threadId)}>
            <Inline text={agents.find((agent) => agent.threadId === threadId)?.name ?? threadId} />
          </a>
        </span>
      ))}
    </p>
  );
}

interface Choice {
  label: string;
  answer: Answer;
  kind?: string;
}

const DECLINE: Choice[] = [
  { label: 'Decline', answer: { decision: 'decline' }, kind: 'decline' },
  { label: 'Decline and stop', answer: { decision: 'cancel' } },
];
const APPROVE: Choice = { label: 'Approve', answer: { decision: 'accept' }, kind: 'approve' };
const REMEMBER: Choice[] = [
  { label: 'Approve for this thread', answer: { decision: 'acceptForSession' } },
  { label: 'Approve for this repository', answer: { decision: 'accept', remember: { scope: 'repository' } } },
];

function choicesOf(request: ThreadRequest): Choice[] {
  return [APPROVE, ...(mayBeRemembered(request) ? REMEMBER : []), ...DECLINE];
}

function Questions({
  request: { requestId, questions },
  isReady,
  onAnswer,
}: {
  request: Extract<ThreadRequest, { type: 'userInput' }>;
  isReady: boolean;
  onAnswer: (answer: Answer) => void;
}) {
  const [given, setGiven] = useState<Record<string, string>>({});
  const isComplete = questions.every(({ id }) => (given[id] ?? '').trim() !== '');
  const set = (id: string, words: string) => setGiven((before) => ({ ...before, [id]: words }));
  const answer = (event: Event): void => {
    event.preventDefault();
    const answers: Answers = Object.fromEntries(questions.map(({ id }) => [id, { answers: [given[id] ?? ''] }]));
    onAnswer({ decision: 'accept', answers });
  };
  return (
    <form onSubmit={answer}>
      {questions.map(({ id, question, options }) => (
        <fieldset key={id}>
          <legend>
            <Inline text={question} />
          </legend>
          {options.map(({ label, description }) => (
            <label key={label}>
              <input
                type="radio"
                name={`${requestId}-${id}`}
                checked={given[id] === label}
                onChange={() => set(id, label)}
              />
              <Inline text={description === '' ? label : `${label}: ${description}`} />
            </label>
          ))}
          <label>
            Your answer
            <input type="text" value={given[id] ?? ''} onInput={({ currentTarget }) => set(id, currentTarget.value)} />
          </label>
        </fieldset>
      ))}
      <div class="buttons">
        <button type="submit" class="approve" disabled={!isComplete || !isReady}>
          Answer
        </button>
        <button type="button" disabled={!isReady} onClick={() => onAnswer({ decision: 'cancel' })}>
          Stop the turn
        </button>
      </div>
    </form>
  );
}
