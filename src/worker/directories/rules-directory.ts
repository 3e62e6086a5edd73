/** Finds the repository of a folder, and asks the workflow that holds its rules, for activities. */
import { Failure } from '../../../activities/failures.ts';
import type { RulesPort } from '../../../activities/ports.ts';
import { fromRepositoryRule, toRepositoryRule, toRuleMatch } from '../../adapters/rules/repository-rule.ts';
import { findRulePlace } from '../../adapters/rules/rule-place.ts';
import { explainRules, openRulesWorkflow } from '../../client/rules/rules-workflow.ts';
import type { Service } from '../../client/service.ts';
import type { RulesKey } from '../../contract/index.ts';
import { toRulesWorkflowId } from '../../contract/plain/workflow-ids.ts';

/** Less than a step of a thread has, so that its failure says why; a person is asked then. */
const DEADLINE_MS = 8_000;
/** The service's limit for the id of a workflow. */
const MAX_ID_BYTES = 1_000;

/** @param host the host part of the keys */
export function createRulesDirectory(service: Service, host: string): RulesPort {
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
        const place = { host, ...(await findRulePlace(cwd)) };
        if (Buffer.byteLength(toRulesWorkflowId(place)) > MAX_ID_BYTES) throw new Error('its path is too long');
        return place;
      } catch (error) {
        throw unplaced(cwd, error);
      }
    },
    list: (place, signal) => ask(place, signal, () => held.list(place)),
    async find(place, asked, signal) {
      const rules = await ask(place, signal, () => held.find(place, toRuleMatch(asked, place)));
      return rules.flatMap((rule) => fromRepositoryRule(rule, place));
    },
    remember: (place, rule, signal) => ask(place, signal, () => held.remember(place, [toRepositoryRule(rule, place)])),
    revoke: (place, ruleId, signal) => ask(place, signal, () => held.revoke(place, ruleId)),
  };
}

function unplaced(cwd: string, cause: unknown): Failure {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new Failure('rulesUnavailable', `The repository around ${cwd} cannot be found: ${message}.`, {
    cause,
    details: { path: cwd },
  });
}
