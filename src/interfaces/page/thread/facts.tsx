/** The head of a thread: what it does, costs and holds. */
import type { SessionView, ThreadView } from '../../../contract/index.ts';
import { toDollars } from '../../../contract/plain/words/amount-words.ts';
import { grouped, plural } from '../../../contract/plain/plural.ts';
import { toPhaseWords } from '../../../contract/plain/words/waiting-words.ts';
import { toWorkflowId } from '../../../contract/plain/workflow-ids.ts';
import { threadAddress } from '../base/address.ts';
import { Chip, type Tone } from '../base/chip.tsx';
import { TemporalLink } from '../base/session.tsx';
import { Inline } from '../base/text.tsx';

const TONES: Record<ThreadView['status'], Tone> = {
  ...({ opening: 'live', idle: 'plain', active: 'live', closing: 'plain', closed: 'plain' } as const),
};

export function ThreadFacts({ view, retrying }: { view: ThreadView; retrying: string | null }) {
  const { threadId, status, activeFlags, activeTurn, usage, settings, queuedTurns, forkedFrom, sessions = [] } = view;
  const waits = activeFlags.length > 0;
  return (
    <div class="facts head">
      <p class="line">
        <Chip tone={waits ? 'warn' : TONES[status]}>{waits ? 'waits for you' : status}</Chip>
        {activeTurn !== null && (
          <span>
            <Inline text={toPhaseWords(activeTurn.phase, (name) => name)} />
          </span>
        )}
        <span>{usage.costMicroUsd === null ? 'cost unknown' : toDollars(usage.costMicroUsd)}</span>
        <Context view={view} />
        <span>
          <Inline text={settings.model} />
        </span>
        <span>
          <Inline text={settings.cwd} />
        </span>
        <TemporalLink place={{ workflowId: toWorkflowId(threadId) }} />
      </p>
      {retrying !== null && (
        <p>
          A step is tried again: <Inline text={retrying} />
        </p>
      )}
      {settings.parent !== null && (
        <p>
          Started by <a href={threadAddress(settings.parent.threadId)}>another thread</a>
        </p>
      )}
      {forkedFrom !== null && (
        <p>
          Forked from <a href={threadAddress(forkedFrom.threadId)}>an earlier thread</a>
        </p>
      )}
      {sessions.length > 0 && (
        <p>
          {plural(sessions.length, 'command')} left running: <Inline text={sessions.map(toSessionWords).join(' · ')} />
        </p>
      )}
      {queuedTurns.length > 0 && (
        <p>
          {plural(queuedTurns.length, 'queued turn')}: <Inline text={queuedTurns.map(({ text }) => text).join(' · ')} />
        </p>
      )}
    </div>
  );
}

function toSessionWords({ sessionId, status, command }: SessionView): string {
  return `session ${sessionId}${status === 'stopping' ? ', being stopped' : ''}: ${command}`;
}

function Context({ view: { context } }: { view: ThreadView }) {
  const { tokens, compactAt } = context;
  if (tokens === null) return null;
  const words = `${grouped(tokens)} tokens of context`;
  if (compactAt === null) return <span>{words}</span>;
  const percent = Math.round((100 * tokens) / compactAt);
  return (
    <span title={`${percent}% of the size at which it is compacted`}>
      <meter
        aria-label="Context used"
        min={0}
        max={compactAt}
        high={0.8 * compactAt}
        value={Math.min(tokens, compactAt)}
      />{' '}
      {words}
    </span>
  );
}
