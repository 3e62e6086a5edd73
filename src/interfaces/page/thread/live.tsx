/** What runs now. It changes many times a second, so screen readers are told when it is done. */
import type { Running } from '../../running-steps.ts';
import { Markdown } from '../base/markdown.tsx';
import { Exact, Foreign, Output } from '../base/text.tsx';
import { PlanView } from './items.tsx';
import type { SessionOutput } from './state/session-output.ts';
import type { ThreadState } from './state/thread-state.ts';

export function LiveView({ state: { live, sessions, plan, sent } }: { state: ThreadState }) {
  return (
    <section class="live" aria-label="In progress" aria-live="off">
      {plan.length > 0 && (
        <details open>
          <summary>Plan</summary>
          <PlanView plan={plan} />
        </details>
      )}
      {sessions.filter(({ tail }) => tail !== '').map(toSession)}
      {live.filter(({ tail }) => tail !== '').map(toRunning)}
      {sent.map(({ turnId, text }) => (
        <article key={turnId} class="item userMessage">
          <h3>You, sent</h3>
          <Foreign text={text} />
        </article>
      ))}
    </section>
  );
}

const HEADS: Record<Running['kind'], string> = {
  reasoning: 'Reasoning',
  message: 'Agent',
  patch: 'Writes a patch',
  command: 'Running',
  tool: 'Running',
};

function toRunning({ id, kind, title, tail }: Running) {
  return (
    <article key={id} class="item running" data-live={id}>
      <h3>{HEADS[kind]}</h3>
      {title !== '' && <Exact label="Command" text={title} folds />}
      {kind === 'message' ? <Markdown text={tail} /> : <Output text={tail} />}
    </article>
  );
}

function toSession({ sessionId, command, tail }: SessionOutput) {
  return (
    <article key={`session_${sessionId}`} class="item running" data-session={sessionId}>
      <h3>Session {sessionId}, running</h3>
      {command !== '' && <Exact label="Command" text={command} folds />}
      <Output text={tail} />
    </article>
  );
}
