import { expect, it } from 'vitest';
import { buildCommandEnvironment } from './command-environment.ts';

const OURS = { TERM: 'dumb', PAGER: 'cat', GIT_PAGER: 'cat', MANPAGER: 'cat', BOBBIN_COMMAND_ID: 'command-1' };

it('passes on what is known to be harmless and nothing else', () => {
  const harmless = {
    HOME: '/home/me',
    LC_TIME: 'de_DE.UTF-8',
    GIT_AUTHOR_NAME: 'Me',
    GIT_AUTHOR_EMAIL: 'me@example.org',
    JAVA_HOME: '/opt/java',
    HTTPS_PROXY: 'http://proxy:3128',
  };
  const worker = {
    ...harmless,
    PATH: '/bin',
    TERM: 'xterm',
    PAGER: 'less',
    SSH_AUTH_SOCK: '/run/agent',
    OPENAI_API_KEY: 'x',
    DATABASE_URL: 'postgres://me:secret@db/app',
    GH_PAT: 'x',
    SENTRY_DSN: 'x',
    LD_PRELOAD: 'x',
    BASH_ENV: 'x',
    DBUS_SESSION_BUS_ADDRESS: 'x',
    BOBBIN_MODEL: 'x',
    TEMPORAL_ADDRESS: 'x',
    UNSET: undefined,
  };
  expect(buildCommandEnvironment(worker, 'command-1')).toEqual({ ...harmless, PATH: '/bin', ...OURS });
});

it('passes on no address that somebody is signed in to', () => {
  const worker = { PATH: '/bin', http_proxy: 'http://me:secret@proxy:3128', GOPROXY: 'https://token@go.example' };
  Object.assign(worker, { ALL_PROXY: 'me:secret@proxy:3128' });
  expect(buildCommandEnvironment(worker, 'command-1')).toEqual({ PATH: '/bin', ...OURS });
});

it('passes on what the operator names', () => {
  const worker = {
    PATH: '/bin',
    BOBBIN_COMMAND_ENV: 'GH_PAT, DATABASE_URL',
    GH_PAT: 'x',
    DATABASE_URL: 'y',
    OTHER: 'z',
  };
  expect(buildCommandEnvironment(worker, 'command-1')).toEqual({
    PATH: '/bin',
    GH_PAT: 'x',
    DATABASE_URL: 'y',
    ...OURS,
  });
});

it('passes on no entry of PATH that a workspace could fill', () => {
  const worker = { PATH: '/work/node_modules/.bin:bin::/usr/bin' };
  expect(buildCommandEnvironment(worker, 'command-1')).toEqual({ PATH: '/usr/bin', ...OURS });
});
