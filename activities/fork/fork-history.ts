/**
 * Makes the past of a new thread from that of another one, which it only reads. Idempotent: each attempt writes its own
 * segments, and the thread uses those of the last one.
 */
import { Context } from '@temporalio/activity';
import type { ArchiveBody, ArchiveSegment, Item } from '../../src/contract/index.ts';
import { DECISIONS } from '../../src/contract/plain/decisions.ts';
import type { Elsewhere, ForkRequest, ForkedPast } from '../contract.ts';
import { Failure } from '../failures.ts';
import { readSegment } from '../model/context-cache.ts';
import type { PastReader, Ports, ThreadPast } from '../ports.ts';
import { runShortStep } from '../step.ts';
import { findHost } from '../threads/find-host.ts';
import { findManaged, findRulesPlace, toGroup } from '../threads/open-thread.ts';
import { type Cut, cutPast } from './cut.ts';
import { type ForkAttempt, placeFiles } from './files.ts';

export async function forkHistory(ports: Ports, request: ForkRequest): Promise<ForkedPast | Elsewhere> {
  const { threadId, source } = request;
  return runShortStep({ ...ports, name: `Forking thread ${source.threadId} as ${threadId}` }, async (signal) => {
    const reader = await ports.threads.past(source.threadId, signal);
    const { past } = reader;
    const host = await hostOf(ports, request, past);
    if (host !== ports.hosts.id) return { type: 'elsewhere', ask: [host], others: [] };
    const items = await readItems(ports, source.threadId, reader);
    const cut = cutPast(past, items, { ...source, turnId: source.turnId ?? null, marker: request.marker });
    if (cut === null) {
      const message = `Thread ${source.threadId} has no turn ${source.turnId ?? ''} that began; take the id of one that did.`;
      throw new Failure('turnUnknown', message, { details: { threadId: source.threadId } });
    }
    const { cwd, root, warnings } = await placeFiles(ports, request, { past, cut, ...toForkAttempt() }, signal);
    const segments = await writeSegments(ports, threadId, cut);
    const { turns, compactions, turnIds, lastTurnId } = cut;
    const searchAttributes = await ports.searchAttributes.usable();
    const { rulesAt: _ofSource, hostGroup: _itsGroup, managed, ...known } = past.settings;
    const place = known.repositoryRules ? await findRulesPlace(ports, cwd, root) : {};
    // A separate work tree is one of the clone of the source.
    const from = source.files === 'worktree' && managed !== undefined ? { managed } : findManaged(ports, cwd, root);
    const settings = { ...known, ...place, ...from, ...toGroup(ports.hosts), cwd, root, host, searchAttributes };
    return {
      ...{ settings, segments, itemCount: cut.items.length, turns, compactions, turnIds },
      ...{ lastTurnId, warnings, keepsAfter: true, decisions: DECISIONS },
    };
  });
}

function toForkAttempt(): ForkAttempt {
  const { workflowExecution, attempt } = Context.current().info;
  return { forkId: workflowExecution?.runId ?? '', retried: attempt > 1 };
}

/** A separate work tree is made from the files of the source, so on its host. */
async function hostOf(
  { hosts }: Pick<Ports, 'hosts'>,
  { threadId, source, host }: ForkRequest,
  { settings }: ThreadPast,
): Promise<string> {
  const from = settings.host ?? hosts.id;
  if (host === undefined || host === from) return from;
  const refuse = (why: string) => new Failure('workspaceOnNoHost', why, { details: { threadId } });
  if (source.files === 'worktree')
    throw refuse(
      `Thread ${threadId} cannot have a work tree on host ${host}: thread ${source.threadId} has its files on host ${from}.`,
    );
  const elsewhere = await findHost(hosts, { host, isHere: () => true, isChild: false });
  if (elsewhere?.ask.length === 0)
    throw refuse(`Host ${host} takes no new threads; known are ${elsewhere.others.join(', ')}.`);
  return host;
}

async function readItems(ports: Ports, threadId: string, { past, items }: PastReader): Promise<Item[]> {
  const all: Item[] = [];
  while (all.length < past.itemCount) {
    const { archived, items: live } = await items(all.length);
    const found =
      archived === null
        ? live
        : (await readSegment(ports.archive, archived.segmentId)).items.slice(all.length - archived.items.from);
    if (found.length === 0) {
      throw new Failure('threadUnreadable', `Thread ${threadId} answered without item ${all.length}, which it has.`);
    }
    all.push(...found.slice(0, past.itemCount - all.length));
  }
  return all;
}

/** Characters of JSON in one segment, as in the thread itself, so that one answer of the service can contain it. */
const SEGMENT_CHARS = 300_000;

async function writeSegments(ports: Ports, threadId: string, { items }: Cut): Promise<ArchiveSegment[]> {
  const { workflowExecution, attempt } = Context.current().info;
  const name = `${threadId}/fork-${workflowExecution?.runId ?? ''}-${attempt}`;
  const segments: ArchiveSegment[] = [];
  for (const { from, to } of stretchesOf(items)) {
    const segment = { segmentId: `${name}/${from}-${to}`, items: { from, to }, events: { from: 1, to: 1 } };
    const body: ArchiveBody = { version: 1, threadId, segment, items: items.slice(from, to), events: [] };
    await ports.archive.write(segment.segmentId, JSON.stringify(body));
    segments.push(segment);
  }
  return segments;
}

/** Each has at least one item. */
function stretchesOf(items: readonly Item[]): { from: number; to: number }[] {
  const stretches: { from: number; to: number }[] = [];
  let chars = 0;
  items.forEach((item, index) => {
    const size = JSON.stringify(item).length;
    const last = stretches.at(-1);
    if (last === undefined || chars + size > SEGMENT_CHARS) {
      stretches.push({ from: index, to: index + 1 });
      chars = size;
    } else {
      last.to = index + 1;
      chars += size;
    }
  });
  return stretches;
}
