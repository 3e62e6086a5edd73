/** The settings of a thread, its budget, and the answers that it remembers. */
import { toManagedWords } from '../../../contract/plain/words/managed-words.ts';
import { useState } from 'preact/hooks';
import type { ApprovalRule, RuleMatch, ThreadView } from '../../../contract/index.ts';
import { toAmounts } from '../../../contract/plain/words/amount-words.ts';
import { ProblemNote, useAction } from '../base/action.tsx';
import { remove, threadPath } from '../base/api.ts';
import { Chip } from '../base/chip.tsx';
import { Age } from '../base/moments.tsx';
import { usePolled } from '../base/polled.ts';
import { useAllowed, useHasOwner } from '../base/session.tsx';
import { Inline } from '../base/text.tsx';

const REFRESH_MS = 5_000;

export function Settings({ view }: { view: ThreadView }) {
  const [isOpen, setOpen] = useState(false);
  const hasOwner = useHasOwner();
  const path = threadPath(view.threadId, '/rules');
  const { cwd, host } = view.settings;
  const folder = new URLSearchParams({ cwd, ...(host === undefined ? {} : { host }) }).toString();
  return (
    <details class="card" onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>Settings and rules</summary>
      {isOpen && (
        <>
          <List view={view} />
          <Rules
            title="Remembered for this thread"
            path={path}
            toRevoke={(id) => `${path}/${encodeURIComponent(id)}`}
          />
          {view.settings.repositoryRules && !hasOwner && (
            <Rules
              title="Remembered for this repository"
              path={`/v1/repository-rules?${folder}`}
              toRevoke={(id) => `/v1/repository-rules/${encodeURIComponent(id)}?${folder}`}
            />
          )}
        </>
      )}
    </details>
  );
}

function List({ view: { threadId, settings, budget, createdAt, agentTask } }: { view: ThreadView }) {
  const { cwd, model, reviewModel, approvalPolicy, sandbox, network, unattended, agentIdentity } = settings;
  const facts: [string, string][] = [
    ['thread', threadId],
    ['folder', cwd],
    ...(settings.managed === undefined ? [] : [['clone of', toManagedWords(settings.managed)] as [string, string]]),
    ...(settings.host === undefined ? [] : [['host', settings.host] as [string, string]]),
    ['model', `${model}${reviewModel === null ? '' : `, reviews by ${reviewModel}`}`],
    ['approvals', `${APPROVALS[approvalPolicy]} (${approvalPolicy})`],
    ['sandbox', `${sandbox}, network ${network ? 'can be reached' : 'cannot be reached'}`],
    ...(unattended === null
      ? []
      : ([['unattended', `approvals are answered with ${unattended.approvals}`]] as const)
    ).map(([label, value]): [string, string] => [label, value]),
    ['identity', `${agentIdentity.mode}, account ${agentIdentity.account} (task ${agentTask.status})`],
    ['used', toAmounts(budget.thread)],
    ...(budget.turn === null ? [] : [['this turn', toAmounts(budget.turn)] as [string, string]]),
    ['with agents', toAmounts(budget.tree)],
  ];
  return (
    <>
      <dl>
        {facts.map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>
              <Inline text={value} />
            </dd>
          </div>
        ))}
        <div>
          <dt>begun</dt>
          <dd>
            <Age at={createdAt} />
          </dd>
        </div>
      </dl>
      <p class="facts">Model, approvals and sandbox can be changed together with the next prompt, below.</p>
    </>
  );
}

const APPROVALS = {
  untrusted: 'asks before all but known reading commands',
  'on-request': 'asks when the agent wants to leave the sandbox',
  never: 'never asks',
};

interface RulesProps {
  title: string;
  path: string;
  toRevoke: (ruleId: string) => string;
}

function Rules({ title, path, toRevoke }: RulesProps) {
  const { value, trouble, refresh } = usePolled<{ rules: ApprovalRule[] }>(path, REFRESH_MS);
  const { run, isRunning, problem } = useAction();
  const mayApprove = useAllowed('approve');
  const revoke = (ruleId: string): void =>
    void run(async () => {
      await remove(toRevoke(ruleId));
      refresh();
    });
  return (
    <section>
      <h2>{title}</h2>
      <ProblemNote problem={problem ?? trouble} />
      {value?.rules.length === 0 && <p class="facts">No answers.</p>}
      <ul class="rules">
        {value?.rules.map(({ ruleId, decision, scope, match, at }) => (
          <li key={ruleId}>
            <Chip tone={decision === 'accept' ? 'good' : 'bad'}>{decision === 'accept' ? 'approve' : 'decline'}</Chip>
            <span class="grows">
              <Match match={match} />
              <span class="facts">
                {scope === 'turn' ? 'until the turn ends · ' : ''}
                <Age at={at} /> · <Inline text={ruleId} />
              </span>
            </span>
            {mayApprove && (
              <button type="button" disabled={isRunning} onClick={() => revoke(ruleId)}>
                Revoke
              </button>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Match({ match }: { match: RuleMatch }) {
  switch (match.type) {
    case 'commandExecution':
      return (
        <span>
          <code>
            <Inline text={match.command} />
          </code>{' '}
          in <Inline text={match.cwd} />, sandbox {match.sandbox}{' '}
        </span>
      );
    case 'fileChange':
      return (
        <span>
          changes to <Inline text={match.paths.join(', ')} />, sandbox {match.sandbox}{' '}
        </span>
      );
    case 'mcpToolCall':
      return (
        <span>
          tool <Inline text={match.tool} /> of <Inline text={match.server} />, sandbox {match.sandbox}{' '}
        </span>
      );
  }
}
