import { realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { expect, it } from 'vitest';
import { toStackEnvironment } from './stack.ts';

it('gives a run the keys of providers, and no setting that changes what is measured or where', () => {
  const given = { PATH: '/bin', OPENAI_API_KEY: 'key', HTTPS_PROXY: 'http://proxy', BOBBIN_CONTEXT_WINDOW: '32000' };
  const others = {
    TEMPORAL_ADDRESS: 'elsewhere:7233',
    BOBBIN_SANDBOX: 'danger-full-access',
    BOBBIN_ALLOW_READ: '/',
    BOBBIN_NETWORK: 'on',
  };
  const root = realpathSync(tmpdir());
  const env = toStackEnvironment({ ...given, ...others }, { model: 'a/b', root });
  expect(env).toMatchObject({ ...given, BOBBIN_MODEL: 'a/b' });
  expect(Object.keys(env).filter((name) => name in others)).toEqual([]);
  const denied = env['BOBBIN_DENY_READ']?.split(delimiter);
  expect(denied).toEqual(expect.arrayContaining([join(import.meta.dirname, '/'), root]));
});
