import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AccountConfig, readAccounts } from './accounts.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bobbin-accounts-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const OTHERS: AccountConfig = { mode: 'recoverable', token: { type: 'env', name: 'BOBBIN_IDENTITY_TOKEN' } };

function read(content: unknown) {
  const file = join(folder, 'accounts.json');
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return readAccounts({ file, isRequired: true, others: OTHERS });
}

describe('the accounts of a worker', () => {
  it('have their own mode and their own source of the token; what an entry leaves out is that of all others', () => {
    const accounts = read({
      accounts: {
        one: { mode: 'strict', tokenEnv: 'ONE' },
        two: { tokenFile: 'two.token' },
        three: { tokenCommand: ['/bin/print-token', '--for', 'three'], tokenTimeoutMs: 500 },
        four: { mode: 'off' },
      },
    });
    expect(accounts.of('one')).toEqual({ mode: 'strict', token: { type: 'env', name: 'ONE' } });
    expect(accounts.of('two').token).toEqual({ type: 'file', path: join(folder, 'two.token') });
    expect(accounts.of('three').token).toEqual({
      ...{ type: 'command', command: ['/bin/print-token', '--for', 'three'], timeoutMs: 500 },
    });
    expect(accounts.of('four')).toEqual({ mode: 'off', token: OTHERS.token });
    expect(accounts.of('any')).toEqual(OTHERS);
    expect(accounts.of('constructor')).toEqual(OTHERS);
  });

  it('may have an entry for all others', () => {
    const accounts = read({ accounts: { '*': { mode: 'strict', tokenEnv: 'REST' } } });
    expect(accounts.of('any')).toEqual({ mode: 'strict', token: { type: 'env', name: 'REST' } });
  });

  it('need no file, unless one was configured', () => {
    const file = join(folder, 'none.json');
    expect(readAccounts({ file, isRequired: false, others: OTHERS }).of('any')).toEqual(OTHERS);
    expect(() => readAccounts({ file, isRequired: true, others: OTHERS })).toThrow(
      /none\.json cannot be used:\nENOENT/,
    );
  });

  it('name every file that no sandbox may read, and the folder of a projected token', () => {
    mkdirSync(join(folder, 'projected', '..data'), { recursive: true });
    writeFileSync(join(folder, 'projected', '..data', 'token'), 'x');
    symlinkSync('..data/token', join(folder, 'projected', 'token'));
    const { files } = read({
      accounts: { one: { tokenFile: 'plain' }, two: { tokenFile: 'projected/token' } },
    });
    expect(files).toEqual(
      ['accounts.json', 'plain', 'projected/token', 'projected/..data/token', 'projected'].map((name) =>
        join(folder, name),
      ),
    );
  });

  it.each([
    ['is no JSON', '{"secret": tok', /\nit is not JSON$/],
    ['has no accounts', {}, /\naccounts: /],
    ['has an unknown member', { accounts: { one: { token: 'in-the-file' } } }, /\naccounts\.one: .*token/],
    ['has an unknown mode', { accounts: { one: { mode: 'lax' } } }, /\naccounts\.one\.mode: /],
    [
      'has several sources',
      { accounts: { one: { tokenEnv: 'A', tokenFile: 'b' } } },
      /one of tokenEnv, .* not several/,
    ],
    ['has an empty command', { accounts: { one: { tokenCommand: [] } } }, /\naccounts\.one\.tokenCommand/],
    ['has a command of the search path', { accounts: { one: { tokenCommand: ['x'] } } }, /must be an absolute path/],
    ['has a name that no account can have', { accounts: { 'a b': {} } }, /\naccounts/],
  ])('in a file that %s are refused, without its content', (_, content, words) => {
    expect(() => read(content)).toThrow(words);
    expect(() => read(content)).not.toThrow(/in-the-file|tok$/);
  });
});
