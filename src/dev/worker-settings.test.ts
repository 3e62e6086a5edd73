import { describe, expect, it } from 'vitest';
import { joiningEnvironment } from './worker-settings.ts';

const STACK = {
  address: '127.0.0.1:7233',
  namespace: 'default',
  taskQueue: 'of-the-stack',
  uiUrl: null,
  pageUrl: null,
  pid: 1,
  startedAt: '',
  workerSettings: {
    BOBBIN_OFFLINE_MODEL_URL: 'http://127.0.0.1:1',
    BOBBIN_IDENTITY_URL: 'http://127.0.0.1:2',
    BOBBIN_IDENTITY_TOKEN: 'reference',
  },
};
const ADDRESS = { TEMPORAL_ADDRESS: '127.0.0.1:7233', TEMPORAL_NAMESPACE: 'default' };

describe('the environment of a worker that joins a stack', () => {
  it('has the queue, the model server and the identity service of the stack, also instead of empty variables', () => {
    const all = { ...STACK.workerSettings, BOBBIN_TASK_QUEUE: 'of-the-stack', ...ADDRESS };
    expect(joiningEnvironment({}, STACK)).toEqual(all);
    expect(joiningEnvironment({ BOBBIN_TASK_QUEUE: '', BOBBIN_IDENTITY_TOKEN: '' }, STACK)).toEqual(all);
  });

  it('keeps what the person has set, and no token of the stack beside it', () => {
    const { BOBBIN_IDENTITY_TOKEN: _, ...others } = STACK.workerSettings;
    const env = { BOBBIN_TASK_QUEUE: 'own', BOBBIN_IDENTITY_TOKEN_FILE: '/run/token' };
    expect(joiningEnvironment(env, STACK)).toEqual({ ...others, ...env, ...ADDRESS });
    const elsewhere = { BOBBIN_IDENTITY_URL: 'https://identity.example.com' };
    expect(joiningEnvironment(elsewhere, STACK)).not.toHaveProperty('BOBBIN_IDENTITY_TOKEN');
  });

  it('has the queue of a stack that an earlier release has started', () => {
    const { workerSettings: _, ...earlier } = STACK;
    expect(joiningEnvironment({}, earlier)).toEqual({ BOBBIN_TASK_QUEUE: 'of-the-stack', ...ADDRESS });
  });
});
