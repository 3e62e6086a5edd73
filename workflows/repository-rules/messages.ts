/** The messages of the workflow that holds the rules of a repository, and their guards. Their names are part of the wire. */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type {
  ApprovalRule,
  RememberRules,
  RepositoryRules,
  RevokeRule,
  RuleMatch,
  RulesKey,
} from '../../src/contract/index.ts';
import { readMessage } from '../sandbox/read-message.ts';
import type { Parsed } from '../sandbox/value-readers.ts';

/** A signal, since it must be kept even if no worker serves the workflow at the moment. */
export const rememberRulesSignal = defineSignal<[RememberRules]>('rememberRules');
export const revokeRuleUpdate = defineUpdate<{ ruleId: string }, [RevokeRule]>('revokeRule');
/** The same without a worker. */
export const revokeRuleSignal = defineSignal<[RevokeRule]>('revokeRule');
export const repositoryRulesQuery = defineQuery<RepositoryRules>('rules');
/** The rules that may apply, with paths as rules have them. */
export const findRulesQuery = defineQuery<ApprovalRule[], [RuleMatch]>('findRules');

export const parseRulesKey = (value: unknown): Parsed<RulesKey> => readMessage('rulesKey', value, 'repository');
export const parseRememberRules = (value: unknown): Parsed<RememberRules> =>
  readMessage('rememberRules', value, 'answers');
export const parseRevocation = (value: unknown): Parsed<RevokeRule> => readMessage('revokeRule', value, 'rule');
export const parseRuleMatch = (value: unknown): Parsed<RuleMatch> => readMessage('ruleMatch', value, 'request');
