import { describe, expect, it } from 'vitest';
import { readWorkerConfig } from './config.ts';

const read = (env: Record<string, string>) => readWorkerConfig({ HOME: '/home/someone', ...env }, 'offline/model');
const modeOf = (env: Record<string, string>) =>
  read(env).defaults({ threadId: 't', workspace: { cwd: '/' } }).agentIdentity.mode;

describe('the interval of heartbeats', () => {
  it('leaves room for one that is lost, within the five seconds after which a worker counts as lost', () => {
    expect(read({}).heartbeatEveryMs).toBe(75);
    expect(read({ BOBBIN_HEARTBEAT_MS: '2000' }).heartbeatEveryMs).toBe(2_000);
  });

  it.each(['2001', '6000', '19', '0', '-1', 'often'])('is refused with its name if it is %s', (given) => {
    expect(() => read({ BOBBIN_HEARTBEAT_MS: given })).toThrow(/BOBBIN_HEARTBEAT_MS/);
  });
});

describe('agent identity', () => {
  it('is off without a service, and kept up to date with one, unless the environment says otherwise', () => {
    const url = { BOBBIN_IDENTITY_URL: 'http://127.0.0.1:1' };
    expect(modeOf({})).toBe('off');
    expect(modeOf(url)).toBe('recoverable');
    expect(modeOf({ ...url, BOBBIN_IDENTITY_MODE: 'off' })).toBe('off');
    expect(modeOf({ ...url, BOBBIN_IDENTITY_MODE: 'strict' })).toBe('strict');
  });
});
