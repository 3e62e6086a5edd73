import type { Question } from '../../index.ts';
import { LIMITS } from '../limits.ts';
import { members, shortText } from './fields.ts';
import { object, text } from './json-schema.ts';
import type { ToolDefinition } from './tool.ts';

const MAX_QUESTIONS = 10;
const MAX_OPTIONS = 20;

export const REQUEST_USER_INPUT: ToolDefinition<{ questions: Question[] }> = {
  name: 'request_user_input',
  description: 'Asks the person up to three short questions and waits for the answers.',
  parameters: object(
    {
      questions: {
        type: 'array',
        items: object(
          {
            id: text('Names the answer.'),
            header: text('A label of a few words.'),
            question: text('The question.'),
            options: {
              type: 'array',
              items: object({ label: text('The answer.'), description: text('What it means.') }, [
                'label',
                'description',
              ]),
            },
          },
          ['id', 'header', 'question'],
        ),
      },
    },
    ['questions'],
  ),
  offeredTo: 'threads',
  read({ questions: list }) {
    if (!Array.isArray(list) || list.length === 0)
      return { invalid: 'request_user_input: `questions` must be a list of { id, header, question, options? }.' };
    const questions = (list as unknown[]).slice(0, MAX_QUESTIONS).map(toQuestion);
    const found = questions.filter((question) => question !== null);
    if (found.length !== questions.length || new Set(found.map(({ id }) => id)).size !== found.length)
      return { invalid: 'request_user_input: each question needs a different `id` and a `question`.' };
    return { questions: found };
  },
};

function toQuestion(entry: unknown): Question | null {
  const { id, header, question, options } = members(entry);
  if (typeof id !== 'string' || id === '' || typeof question !== 'string' || question === '') return null;
  return {
    id: id.slice(0, LIMITS.idChars),
    header: shortText(header),
    question: question.slice(0, LIMITS.shortChars),
    options: (Array.isArray(options) ? (options as unknown[]) : []).slice(0, MAX_OPTIONS).map(toOption),
  };
}

/** A model may write an option as a label alone. */
function toOption(option: unknown): Question['options'][number] {
  const { label, description } = typeof option === 'object' && option !== null ? members(option) : { label: option };
  return { label: shortText(label), description: shortText(description) };
}
