/** Hands the rules that earlier releases kept in files over to the workflows that hold rules now. */
import { type FormerRules, markTakenOver, readFormerRules } from '../adapters/rules/former-rules.ts';
import { openRulesWorkflow } from '../client/rules/rules-workflow.ts';
import type { Service } from '../client/service.ts';

/**
 * Before the worker takes any work, so that no step misses a rule; the messages need no worker. Idempotent, also when two
 * workers with one data folder do it at once: a workflow knows a rule by its content, and those that were revoked since.
 * Never throws: what cannot be handed over stays in its file for the next start, and is named.
 *
 * @param place `directory`: absolute path of the files
 */
export async function takeOverRules(
  service: Service,
  { directory, host }: { directory: string; host: string },
  warn: (line: string) => void,
): Promise<void> {
  try {
    const { found, broken } = await readFormerRules(directory);
    for (const { path, why } of broken)
      warn(`${path} is not taken over as a remembered answer: ${why}. It stays there.`);
    for (const former of found) await takeOver(service, host, former, warn);
  } catch (error) {
    warn(`Remembered answers in ${directory} are not taken over now: ${toMessage(error)}`);
  }
}

async function takeOver(
  service: Service,
  host: string,
  former: FormerRules,
  warn: (line: string) => void,
): Promise<void> {
  const { repository, rules } = former;
  try {
    await service.within(() => openRulesWorkflow(service).remember({ host, repository }, rules));
    await markTakenOver(former);
    warn(`${rules.length} remembered answers of ${repository} were taken over from files of an earlier release.`);
  } catch (error) {
    warn(`The remembered answers of ${repository} are not taken over now: ${toMessage(error)}`);
  }
}

function toMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
