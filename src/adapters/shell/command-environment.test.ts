import { expect, it } from 'vitest';
import { buildCommandEnvironment } from './command-environment.ts';

it('passes on what is no secret and not ours', () => {
  const worker = {
    PATH: '/bin',
    HOME: '/home/me',
    SSH_AUTH_SOCK: '/run/agent',
    GIT_AUTHOR_NAME: 'Me',
    OPENAI_API_KEY: 'x',
    github_token: 'x',
    DB_PASSWORD: 'x',
    PGPASSWD: 'x',
    AWS_SECRET_ACCESS: 'x',
    GOOGLE_APPLICATION_CREDENTIALS: 'x',
    NPM_AUTH: 'x',
    BOBBIN_MODEL: 'x',
    TEMPORAL_ADDRESS: 'x',
    TERM: 'xterm',
    PAGER: 'less',
    UNSET: undefined,
  };
  expect(buildCommandEnvironment(worker, 'command-1')).toEqual({
    PATH: '/bin',
    HOME: '/home/me',
    SSH_AUTH_SOCK: '/run/agent',
    GIT_AUTHOR_NAME: 'Me',
    TERM: 'dumb',
    PAGER: 'cat',
    GIT_PAGER: 'cat',
    MANPAGER: 'cat',
    BOBBIN_COMMAND_ID: 'command-1',
  });
});
