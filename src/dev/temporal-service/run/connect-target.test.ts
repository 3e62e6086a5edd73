import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { connectTarget } from './connect-target.ts';

let folder: string;
let env: Record<string, string>;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bobbin-target-'));
  env = { HOME: folder, XDG_CONFIG_HOME: folder };
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function writeProfiles(text: string): Promise<string> {
  const path = join(folder, 'temporalio', 'temporal.toml');
  await mkdir(join(folder, 'temporalio'), { recursive: true });
  await writeFile(path, text);
  return path;
}

test('where nothing is set there is no target, and an empty variable is not set', () => {
  expect(connectTarget(env)).toBeUndefined();
  expect(connectTarget({ ...env, TEMPORAL_ADDRESS: '', TEMPORAL_PROFILE: '' })).toBeUndefined();
});

test('TEMPORAL_ADDRESS names it, with the namespace, key and headers that stand beside it', () => {
  const target = connectTarget({
    ...env,
    TEMPORAL_ADDRESS: 'temporal.example:7233',
    TEMPORAL_NAMESPACE: 'agents',
    TEMPORAL_API_KEY: 'a-key',
  });
  expect(target).toMatchObject({
    connectionOptions: { address: 'temporal.example:7233', apiKey: 'a-key', tls: true },
    namespace: 'agents',
    namedBy: 'TEMPORAL_ADDRESS',
  });
  expect(connectTarget({ ...env, TEMPORAL_ADDRESS: 'localhost:7233' })).toEqual({
    connectionOptions: { address: 'localhost:7233' },
    namespace: 'default',
    namedBy: 'TEMPORAL_ADDRESS',
  });
});

test('the default file counts where its default profile names an address', async () => {
  const file = await writeProfiles('[profile.other]\naddress = "other:7233"\n');
  expect(connectTarget(env)).toBeUndefined();
  expect(connectTarget({ ...env, TEMPORAL_PROFILE: 'other' })).toMatchObject({
    connectionOptions: { address: 'other:7233' },
    namedBy: file,
  });
  await writeProfiles('[profile.default]\naddress = "here:7233"\nnamespace = "mine"\n');
  expect(connectTarget(env)).toEqual({
    connectionOptions: { address: 'here:7233' },
    namespace: 'mine',
    namedBy: file,
  });
});

test('a file, a profile or an address that is named and not there is an error and not an embedded service', async () => {
  const missing = join(folder, 'missing.toml');
  expect(() => connectTarget({ ...env, TEMPORAL_CONFIG_FILE: missing })).toThrow(/missing\.toml does not exist/);
  expect(() => connectTarget({ ...env, TEMPORAL_PROFILE: 'nobody' })).toThrow(
    /TEMPORAL_PROFILE=nobody.*'nobody' not found/,
  );
  await writeProfiles('[profile.default]\nnamespace = "mine"\n');
  expect(() => connectTarget({ ...env, TEMPORAL_PROFILE: 'default' })).toThrow(/names no address/);
  await writeProfiles('[profile.default\n');
  expect(() => connectTarget(env)).toThrow(expect.objectContaining({ code: 'configurationInvalid' }));
});
