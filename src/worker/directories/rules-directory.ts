/** Finds the repository of a folder, and asks the workflow that holds its rules, for activities. */
import { Failure } from '../../../activities/failures.ts';
import type { RulesPort } from '../../../activities/ports.ts';
import { fromRepositoryRule, toRepositoryRule, toRuleMatch } from '../../adapters/rules/repository-rule.ts';
import { findRulePlace } from '../../adapters/rules/rule-place.ts';
import { explainRules, openRulesWorkflow } from '../../client/rules/rules-workflow.ts';
import type { Service } from '../../client/service.ts';
import type { RuleMatch, RulesKey } from '../../contract/index.ts';
import { normalizedRepository } from '../../contract/plain/repository-address.ts';
import { toRulesWorkflowId } from '../../contract/plain/workflow-ids.ts';

/** Less than a step of a thread has, so that its failure says why; a person is asked then. */
const DEADLINE_MS = 8_000;
/** The service's limit for the id of a workflow. */
const MAX_ID_BYTES = 1_000;

/** The host part of the keys of clones. No host and no group has this name, and no other key has an address. */
const OF_ADDRESS = '@URL';

/** @param host the host part of the keys @param originOf names the repository of which a folder is our clone */
export function createRulesDirectory(
  service: Service,
  host: string,
  originOf: (gitFolder: string) => string | null,
): RulesPort {
  const held = openRulesWorkflow(service);
  const ask = async <T>(key: RulesKey, signal: AbortSignal, call: () => Promise<T>): Promise<T> => {
    try {
      return await service.untilAborted(signal, () => service.within(call, DEADLINE_MS));
    } catch (error) {
      signal.throwIfAborted();
      throw new Failure('rulesUnavailable', explainRules(key, error), { cause: error });
    }
  };
  return {
    async placeOf(cwd) {
      try {
        const found = await findRulePlace(cwd);
        const origin = originOf(found.repository);
        // What a clone says about its origin does not matter: this is the address that the thread was started with.
        const key = origin === null ? { host } : { host: OF_ADDRESS, repository: `/${normalizedRepository(origin)}` };
        const place = { ...found, ...key };
        if (Buffer.byteLength(toRulesWorkflowId(place)) > MAX_ID_BYTES) throw new Error('its path is too long');
        return place;
      } catch (error) {
        throw unplaced(cwd, error);
      }
    },
    list: (place, signal) => ask(place, signal, () => held.list(place)),
    async find(place, asked, signal) {
      const rules = await ask(place, signal, () => held.find(place, toRuleMatch(asked, place)));
      const usable = place.host === OF_ADDRESS ? rules.filter(({ match }) => isInRepository(match)) : rules;
      return usable.flatMap((rule) => fromRepositoryRule(rule, place));
    },
    remember: (place, rule, signal) => ask(place, signal, () => held.remember(place, [toRepositoryRule(rule, place)])),
    revoke: (place, ruleId, signal) => ask(place, signal, () => held.revoke(place, ruleId)),
  };
}

/** Other paths are those of one host. */
function isInRepository(match: RuleMatch): boolean {
  const paths = match.type === 'mcpToolCall' ? [] : match.type === 'fileChange' ? match.paths : [match.cwd];
  return !paths.some((path) => path.startsWith('/'));
}

function unplaced(cwd: string, cause: unknown): Failure {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new Failure('rulesUnavailable', `The repository around ${cwd} cannot be found: ${message}.`, {
    cause,
    details: { path: cwd },
  });
}
