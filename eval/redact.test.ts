import { expect, it } from 'vitest';
import { createRedaction } from './redact.ts';

it('takes the values of secrets out of a text, in every form, and leaves short and other values', () => {
  const env = {
    OPENAI_API_KEY: 'sk-"quoted" key',
    DB_PASSWORD: 'abc',
    PATH: '/usr/bin:/bin',
    MY_TOKEN: 'sk-"quoted" key 2',
  };
  const redact = createRedaction(env);
  const key = env.OPENAI_API_KEY;
  const text = [key, JSON.stringify({ key }), encodeURIComponent(key), env.MY_TOKEN, 'abc', env.PATH].join(' | ');
  expect(redact(text)).toBe('[secret] | {"key":"[secret]"} | [secret] | [secret] | abc | /usr/bin:/bin');
});
