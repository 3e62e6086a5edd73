/** Fills the start argument of a new thread with the defaults of its host. Idempotent: it only reads. */
import type { FolderWorkspace, Managed, RulesPlace, StartThread } from '../../src/contract/index.ts';
import { DECISIONS } from '../../src/contract/plain/decisions.ts';
import type { Elsewhere, OpenedThread } from '../contract.ts';
import { Failure } from '../failures.ts';
import type { Ports } from '../ports.ts';
import { findAnyHost, findHost } from './find-host.ts';

type OpeningPorts = Pick<
  Ports,
  'defaults' | 'searchAttributes' | 'rootOf' | 'requireWorkspace' | 'hosts' | 'rules' | 'workspaces'
>;

export async function openThread(
  ports: OpeningPorts,
  start: StartThread,
  ifThere = false,
): Promise<OpenedThread | Elsewhere> {
  const { workspace, threadId } = start;
  if (workspace.cwd === undefined) return findAnyHost(ports.hosts, { host: workspace.host, threadId });
  const { cwd, root, host } = workspace;
  const isHere = () => isThere(ports, cwd, root);
  if (ifThere && !isHere()) return { type: 'elsewhere', ask: [], others: [] };
  const elsewhere = await findHost(ports.hosts, { host, isHere, isChild: start.parent !== undefined });
  return elsewhere ?? openHere(ports, start, workspace);
}

/** Opens it on the host of this worker. */
export async function openHere(
  ports: OpeningPorts,
  start: StartThread,
  { cwd, root }: FolderWorkspace,
): Promise<OpenedThread> {
  const { defaults, searchAttributes, rootOf, hosts } = ports;
  const settings = { ...defaults(start), cwd, root: root ?? rootOf(cwd), host: hosts.id, ...toGroup(hosts) };
  const [usable, place, known] = await Promise.all([
    searchAttributes.usable(),
    settings.repositoryRules ? findRulesPlace(ports, cwd, settings.root) : {},
    hosts.list({ fresh: false }),
  ]);
  return {
    ...{ ...settings, ...place, ...findManaged(ports, cwd, settings.root), searchAttributes: usable },
    ...toProbe(known.length, settings.hostGraceMs),
    ...{ openedAt: Date.now(), keepsAfter: true, decisions: DECISIONS },
  };
}

/**
 * After how long a turn asks whether its host is there: long enough for most steps, and a part of the time after which
 * they fail. Nobody could tell if there is only one host.
 */
export function toProbe(hosts: number, graceMs = Infinity): { hostProbeMs?: number } {
  return hosts > 1 ? { hostProbeMs: Math.min(10_000, Math.ceil(graceMs / 4)) } : {};
}

export function toGroup({ group }: Pick<Ports['hosts'], 'group'>): { hostGroup?: string } {
  return group === undefined ? {} : { hostGroup: group };
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

/** An agent of a thread in a clone works in a clone, too, and so does a thread that somebody starts there. */
export function findManaged(
  { workspaces, rootOf }: Pick<Ports, 'workspaces' | 'rootOf'>,
  cwd: string,
  root: string,
): { managed?: Managed } {
  const managed = rootOf(cwd) === root ? workspaces.managedAt(root) : null;
  return managed === null ? {} : { managed };
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
