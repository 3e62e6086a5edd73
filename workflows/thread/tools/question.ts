/** `request_user_input`: asks a person; the answers are the result. */
import type { Question } from '../../../src/contract/index.ts';
import { REQUEST_USER_INPUT } from '../../../src/contract/plain/tools/request-user-input.ts';
import { addItem, completeItem, itemAt } from '../state/log.ts';
import { removeCall, withCall } from './call-list.ts';
import type { Tool } from './tool.ts';

export const question: Tool<{ questions: Question[] }> = {
  definitions: [REQUEST_USER_INPUT],
  record: (state, at, { item, call }, { questions }) =>
    withCall(addItem(state, at, { ...item, type: 'userInput', questions, answers: null }), call),
  asking: {
    toRequest(state, { index }) {
      const item = itemAt(state.log, index);
      const questions = item.type === 'userInput' ? item.questions : [];
      return { type: 'userInput', questions, reason: 'The agent has a question.' };
    },
    onAnswers(state, at, { index }, answers) {
      const change = { status: 'completed' as const, answers, output: JSON.stringify({ answers }) };
      return removeCall(completeItem(state, at, index, change), index);
    },
  },
  actions: () => [],
  toResult: () => null,
};
