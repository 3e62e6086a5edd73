import { describe, expect, it } from 'vitest';
import { readWorkerConfig } from './config.ts';

const config = (env: NodeJS.ProcessEnv) =>
  readWorkerConfig({ BOBBIN_DATA_DIR: '/nowhere/bobbin', ...env }, 'offline/x');
const START = { threadId: 't', workspace: { cwd: '/w' } };
const modeOf = (env: NodeJS.ProcessEnv) => config(env).defaults(START).agentIdentity.mode;

describe('the gate of agent identities', () => {
  it('is off without an identity service, whatever else is set', () => {
    expect(modeOf({})).toBe('off');
    expect(modeOf({ BOBBIN_IDENTITY_TOKEN: 'x', BOBBIN_IDENTITY_ACCOUNT: 'a' })).toBe('off');
    expect(modeOf({ BOBBIN_IDENTITY_URL: '' })).toBe('off');
    expect(config({}).defaults({ ...START, agentIdentity: { mode: 'off', account: 'a' } }).agentIdentity.mode).toBe(
      'off',
    );
  });

  it('is recoverable with one, unless the operator sets another mode', () => {
    const BOBBIN_IDENTITY_URL = 'http://127.0.0.1:1';
    expect(modeOf({ BOBBIN_IDENTITY_URL })).toBe('recoverable');
    expect(modeOf({ BOBBIN_IDENTITY_URL, BOBBIN_IDENTITY_MODE: 'strict' })).toBe('strict');
    expect(modeOf({ BOBBIN_IDENTITY_URL, BOBBIN_IDENTITY_MODE: 'off' })).toBe('off');
  });
});

describe('settings of agent identities', () => {
  it('have a wait for a person, and a longer one where nobody watches', () => {
    expect(config({}).defaults(START).identityWaitMs).toEqual({ attended: 15_000, unattended: 600_000 });
    const own = config({ BOBBIN_IDENTITY_WAIT_MS: '1', BOBBIN_IDENTITY_UNATTENDED_WAIT_MS: '2' });
    expect(own.defaults(START).identityWaitMs).toEqual({ attended: 1, unattended: 2 });
  });

  it.each([
    [{ BOBBIN_IDENTITY_MODE: 'lax' }, /BOBBIN_IDENTITY_MODE/],
    [{ BOBBIN_IDENTITY_WAIT_MS: '-1' }, /BOBBIN_IDENTITY_WAIT_MS/],
    [{ BOBBIN_ASSERTION_GATEWAY: 'anthropic,openai' }, /BOBBIN_ASSERTION_GATEWAY/],
    [{ BOBBIN_IDENTITY_TOKEN: 'a', BOBBIN_IDENTITY_TOKEN_FILE: '/b' }, /not both/],
    [{ BOBBIN_IDENTITY_ACCOUNTS: '/nowhere/accounts.json' }, /accounts\.json cannot be used/],
    [{ BOBBIN_STORE: 's3://team', BOBBIN_STORE_KEY: 'c2hvcnQ=' }, /BOBBIN_STORE_KEY: 32 bytes in base64 are needed/],
    [{ BOBBIN_STORE_KEY: Buffer.alloc(32).toString('base64') }, /BOBBIN_STORE, which is not set/],
  ])('that cannot be used are refused at the start: %j', (env, words) => {
    expect(() => config(env)).toThrow(words);
  });
});
