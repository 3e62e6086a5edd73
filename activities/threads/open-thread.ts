/** Fills the start argument of a new thread with the defaults of its host. Idempotent: it only reads. */
import type { RulesPlace, StartThread } from '../../src/contract/index.ts';
import type { Elsewhere, OpenedThread } from '../contract.ts';
import { Failure } from '../failures.ts';
import type { Ports } from '../ports.ts';
import { findHost } from './find-host.ts';

type OpeningPorts = Pick<Ports, 'defaults' | 'searchAttributes' | 'rootOf' | 'requireWorkspace' | 'hosts' | 'rules'>;

export async function openThread(
  ports: OpeningPorts,
  start: StartThread,
  ifThere = false,
): Promise<OpenedThread | Elsewhere> {
  const { defaults, searchAttributes, rootOf, hosts } = ports;
  const { cwd, root, host } = start.workspace;
  const isHere = () => isThere(ports, cwd, root);
  if (ifThere && !isHere()) return { type: 'elsewhere', ask: [], others: [] };
  const elsewhere = await findHost(hosts, { host, isHere, isChild: start.parent !== undefined });
  if (elsewhere !== null) return elsewhere;
  const settings = { ...defaults(start), root: root ?? rootOf(cwd), host: hosts.id };
  const [usable, place, known] = await Promise.all([
    searchAttributes.usable(),
    settings.repositoryRules ? findRulesPlace(ports, cwd, settings.root) : {},
    hosts.list({ fresh: false }),
  ]);
  return {
    ...{ ...settings, ...place, searchAttributes: usable },
    ...(known.length > 1 && { hostProbeMs: toProbeMs(settings.hostGraceMs) }),
    ...{ openedAt: Date.now(), keepsAfter: true, decisions: 5 },
  };
}

/** Long enough for most steps, and a part of the time after which they fail. */
function toProbeMs(graceMs = Infinity): number {
  return Math.min(10_000, Math.ceil(graceMs / 4));
}

/** A folder that exists and may not be used counts as found: the refusal then says why. */
function isThere(ports: OpeningPorts, cwd: string, root: string | undefined): boolean {
  try {
    ports.requireWorkspace(cwd, root);
    return true;
  } catch (error) {
    return error instanceof Failure && error.code === 'workspaceClosed';
  }
}

/** Empty if the folder is not there, or is another one by now: then each step looks again, and says so. */
export async function findRulesPlace(
  { rules, rootOf }: Pick<Ports, 'rules' | 'rootOf'>,
  cwd: string,
  root: string,
): Promise<{ rulesAt?: RulesPlace }> {
  if (rootOf(cwd) !== root) return {};
  return rules.placeOf(cwd).then(
    (rulesAt) => ({ rulesAt }),
    () => ({}),
  );
}
