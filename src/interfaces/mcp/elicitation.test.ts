import { expect, it } from 'vitest';
import { everyRequest } from '../../contract/test-every-type.ts';
import { toTypedInput } from '../../contract/plain/remembering.ts';
import { toAnswer } from './elicitation.ts';

it.each([
  ['make', 'acceptForSession'],
  [toTypedInput(12, 'bash', 'y'), null],
])('offers to remember an answer about %j: %j', (command, decision) => {
  const request = everyRequest('any').find(({ type }) => type === 'commandExecution');
  if (request?.type !== 'commandExecution') throw new Error('there is none');
  const answer = toAnswer({ ...request, command }, { action: 'accept', content: { decision: 'acceptForSession' } });
  expect(answer?.decision ?? null).toBe(decision);
});
