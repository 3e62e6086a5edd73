/** Settings that change with the next prompt, and stay changed. */
import type { ApprovalPolicy, Overrides, SandboxMode, ThreadSettings } from '../../../contract/index.ts';
import { toVisibleLine } from '../../../contract/plain/foreign-text.ts';
import { useAllowed } from '../base/session.tsx';

const POLICIES: ApprovalPolicy[] = ['untrusted', 'on-request', 'never'];
const SANDBOXES: SandboxMode[] = ['read-only', 'workspace-write', 'danger-full-access'];

interface Props {
  settings: ThreadSettings;
  changed: Overrides;
  onChange: (changed: Overrides) => void;
}

export function OverridesForm({ settings, changed, onChange }: Props) {
  const mayApprove = useAllowed('approve');
  const set = (change: Overrides): void => {
    const all = { ...changed, ...change };
    onChange(Object.fromEntries(Object.entries(all).filter(([, value]) => value !== '')));
  };
  return (
    <details class="overrides">
      <summary>
        Settings from this prompt on{Object.keys(changed).length > 0 && ` (${Object.keys(changed).length} changed)`}
      </summary>
      <div class="fields">
        <label>
          Model{' '}
          <input
            value={changed.model ?? ''}
            placeholder={toVisibleLine(settings.model)}
            autocomplete="off"
            spellcheck={false}
            onInput={({ currentTarget }) => set({ model: currentTarget.value })}
          />
        </label>
        <Choice
          label="Approvals"
          now={settings.approvalPolicy}
          values={POLICIES}
          value={changed.approvalPolicy}
          onChange={(value) => set({ approvalPolicy: value as ApprovalPolicy })}
        />
        <Choice
          label="Sandbox"
          now={settings.sandbox}
          values={SANDBOXES.filter((mode) => mayApprove || mode !== 'danger-full-access')}
          value={changed.sandbox}
          onChange={(value) => set({ sandbox: value as SandboxMode })}
        />
      </div>
    </details>
  );
}

interface ChoiceProps {
  label: string;
  now: string;
  values: readonly string[];
  value: string | undefined;
  onChange: (value: string) => void;
}

function Choice({ label, now, values, value, onChange }: ChoiceProps) {
  return (
    <label>
      {label}{' '}
      <select value={value ?? ''} onChange={({ currentTarget }) => onChange(currentTarget.value)}>
        <option value="">as it is ({now})</option>
        {values
          .filter((one) => one !== now)
          .map((one) => (
            <option key={one} value={one}>
              {one}
            </option>
          ))}
      </select>
    </label>
  );
}
