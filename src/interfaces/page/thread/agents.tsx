/** The agents below a thread as a tree: what each does, and what waits in it. */
import { useEffect, useState } from 'preact/hooks';
import type { SubThread, SubThreadStatus, ThreadRequest, ThreadView } from '../../../contract/index.ts';
import { toVisibleLine } from '../../../contract/plain/foreign-text.ts';
import { plural } from '../../../contract/plain/plural.ts';
import { toRequestLine } from '../../../contract/plain/words/waiting-words.ts';
import { threadAddress } from '../base/address.ts';
import { threadPath } from '../base/api.ts';
import { Chip, type Tone } from '../base/chip.tsx';
import { usePolled } from '../base/polled.ts';
import { Inline } from '../base/text.tsx';

const REFRESH_MS = 4_000;

export function Agents({ view: { subThreads, openRequests } }: { view: ThreadView }) {
  const requests = openRequests.filter(({ origin }) => origin !== null && !origin.answered);
  return (
    <details class="card agents" open>
      <summary>
        {plural(subThreads.length, 'agent')}
        {requests.length > 0 && <Chip tone="warn">{plural(requests.length, 'request')}</Chip>}
      </summary>
      <Level agents={subThreads} requests={requests} label="Agents" />
    </details>
  );
}

interface LevelProps {
  agents: readonly SubThread[];
  /** Of the whole tree. */
  requests: readonly ThreadRequest[];
  label: string;
}

function Level({ agents, requests, label }: LevelProps) {
  return (
    <ul aria-label={label}>
      {agents.map((agent) => (
        <Agent key={agent.threadId} agent={agent} requests={requests} />
      ))}
    </ul>
  );
}

const TONES: Record<SubThreadStatus, Tone> = {
  ...({ pendingInit: 'live', running: 'live', interrupted: 'warn', completed: 'good' } as const),
  ...({ errored: 'bad', shutdown: 'plain', notFound: 'bad' } as const),
};

function Agent({ agent, requests }: { agent: SubThread; requests: readonly ThreadRequest[] }) {
  const { threadId, name, role, status, lastAgentMessage } = agent;
  const below = requests.filter(({ origin }) => origin?.path.includes(threadId) === true);
  const own = below.filter(({ origin }) => origin?.threadId === threadId);
  // What waits further down is shown without a click, and stays shown when it was answered.
  const waitsBelow = own.length < below.length;
  const [isOpen, setOpen] = useState(waitsBelow);
  useEffect(() => {
    if (waitsBelow) setOpen(true);
  }, [waitsBelow]);
  return (
    <li>
      <span class="line">
        <button
          type="button"
          class="fold"
          aria-expanded={isOpen}
          aria-label={`Agents below ${toVisibleLine(name)}`}
          onClick={() => setOpen(!isOpen)}
        >
          {isOpen ? '▾' : '▸'}
        </button>
        <a href={threadAddress(threadId)}>
          <Inline text={name} />
        </a>
        <Chip tone={TONES[status]}>{status}</Chip>
        {role === 'review' && <Chip>review</Chip>}
        {own.map((request) => (
          <span key={request.requestId} class="waits person">
            <Inline text={toRequestLine(request)} />
          </span>
        ))}
        {lastAgentMessage !== null && (
          <span class="facts snippet">
            <Inline text={lastAgentMessage} />
          </span>
        )}
      </span>
      {isOpen && <Below threadId={threadId} name={name} requests={requests} />}
    </li>
  );
}

function Below({ threadId, name, requests }: { threadId: string; name: string; requests: readonly ThreadRequest[] }) {
  const { value, trouble } = usePolled<ThreadView>(threadPath(threadId), REFRESH_MS);
  return (
    <div class="below">
      {trouble !== null && (
        <p class="facts">
          Not up to date: <Inline text={trouble} />
        </p>
      )}
      {value !== null && value.subThreads.length === 0 && <p class="facts">It has started no agents.</p>}
      {value !== null && (
        <Level agents={value.subThreads} requests={requests} label={`Agents of ${toVisibleLine(name)}`} />
      )}
    </div>
  );
}
