import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isRefName, isRemoteRefName } from './ref-name.ts';
import { faultOfRepository, normalizedRepository, transportOf, withoutSecrets } from './repository-address.ts';

describe('the address of a repository', () => {
  it('is a path, one of four kinds of URL, or short for ssh', () => {
    const transports = {
      '/srv/shop': 'path',
      '/srv/a:b@c': 'path',
      'file:///srv/shop': 'file',
      'https://host.example/shop.git': 'https',
      'https://[::1]:8443/shop': 'https',
      'http://127.0.0.1:8080/shop': 'http',
      'ssh://git@host.example:22/shop': 'ssh',
      'git@host.example:team/shop.git': 'ssh',
      'host:shop': 'ssh',
    };
    for (const [address, transport] of Object.entries(transports))
      expect([address, transportOf(address), faultOfRepository(address)]).toEqual([address, transport, null]);
  });

  it.each([
    'http://SECRET@host/x.git',
    'https://user:SECRET@host/x.git',
    'HTTPS://SECRET@host',
    'https://host/x.git?access_token=SECRET',
    'https://host/x.git#SECRET',
    'https://mirror/https://SECRET@host/x.git',
    'ssh://user:SECRET@host/x.git',
    'ssh://user%3aSECRET@host/x.git',
    'ssh://git@host/x.git?token=SECRET',
    'user:SECRET@host:x.git',
    'user:with/SECRET@host:x.git',
    'file://SECRET@host/x.git',
  ])('is refused where it may hold a credential, and is shown without it: %s', (address) => {
    const fault = faultOfRepository(address);
    expect(fault).toMatchObject({ kind: 'secret', message: expect.stringContaining('credential helper') as string });
    expect(fault?.message).not.toContain('SECRET');
    expect(withoutSecrets(address)).not.toContain('SECRET');
  });

  it.each([
    ...['git://host/x', 'ftp://host/x', 'ext::sh -c "touch x"', 'transport::address', 'fd::17', '::x'],
    'persistent-https://host/x',
  ])('is refused by other transports of git, which are other programs: %s', (address) => {
    expect(faultOfRepository(address)).toMatchObject({ kind: 'transport' });
    expect(transportOf(address)).toBeNull();
  });

  it.each([
    ...['--upload-pack=touch x', '--upload-pack=x:/y', '-oProxyCommand=x:y', 'ssh://-oProxyCommand=x/y', 'a@-oX:y'],
    ...['host:-x', 'https://-x/y', 'relative/path', '', '/a\nb', '/a\0b', 'https://host%40x/y', 'https://host'],
  ])('is refused where git would not read it as one: %j', (address) => {
    expect(faultOfRepository(address)).toMatchObject({ kind: 'malformed' });
  });

  it('is taken once nothing of a credential is in it, whatever it was', () => {
    const word = fc.stringMatching(/^[a-z0-9._-]{1,8}$/);
    const addresses = fc.record({
      scheme: fc.constantFrom('https://', 'http://', 'ssh://', ''),
      user: fc.option(word, { nil: '' }),
      password: fc.option(word, { nil: '' }),
      query: fc.option(word, { nil: '' }),
      host: fc.stringMatching(/^[a-z][a-z0-9]{0,5}$/),
      path: word,
    });
    fc.assert(
      fc.property(addresses, ({ scheme, user, password, query, host, path }) => {
        const who = password === '' ? user : `${user === '' ? 'u' : user}:${password}`;
        const start = who === '' ? '' : `${who}@`;
        const place = scheme === '' ? `${host}:x${path}` : `${host}/${path}`;
        const address = `${scheme}${start}${place}${query === '' || scheme === '' ? '' : `?${query}`}`;
        fc.pre(!start.startsWith('-'));
        const shown = withoutSecrets(address);
        expect(withoutSecrets(shown)).toBe(shown);
        expect(faultOfRepository(shown)).not.toMatchObject({ kind: 'secret' });
        if (shown !== address) expect(faultOfRepository(address)).toMatchObject({ kind: 'secret' });
        if (password !== '') expect(faultOfRepository(address)).not.toBeNull();
      }),
    );
  });
});

describe('the name of a branch', () => {
  it('is no option, no pattern and no second place', () => {
    expect(['main', 'feature/ä', 'v1~2', 'main@{upstream}', 'a'.repeat(40)].filter(isRefName)).toHaveLength(5);
    const refused = ['-x', '--upload-pack=x', 'a b', 'x:refs/heads/main', 'refs/*', 'a?', 'a[b', 'a\\b', 'a\0', ''];
    expect(refused.filter(isRefName)).toEqual([]);
  });

  it('leads to no other commit where a remote repository is asked', () => {
    expect(['main', 'refs/heads/x', 'HEAD', 'v1.0', 'a'.repeat(40)].filter(isRemoteRefName)).toHaveLength(5);
    const refused = ['v1~2', 'x^', 'a..b', 'main@{1}', '@', 'x.lock', 'a.lock/b', '.x', 'a/.x', 'a//b', 'a/', '/a'];
    expect(refused.filter(isRemoteRefName)).toEqual([]);
  });
});

describe('one spelling of an address', () => {
  it.each([
    ['HTTPS://Git.Example.COM:443/Team/Api.git/', 'https://git.example.com/Team/Api.git'],
    ['http://127.0.0.1:8080/a', 'http://127.0.0.1:8080/a'],
    ['ssh://git@Host:22/a', 'ssh://git@host/a'],
    ['Git@Host.example.com:Team/Api.git/', 'Git@host.example.com:Team/Api.git'],
    ['file:///srv/A/', 'file:///srv/A'],
    ['file:///', 'file:///'],
  ])('is that of %s', (given, expected) => {
    expect(normalizedRepository(given)).toBe(expected);
    expect(normalizedRepository(expected)).toBe(expected);
  });

  it('keeps addresses apart that may name two repositories', () => {
    const some = ['https://h/a', 'https://h/a.git', 'http://h/a', 'https://h:444/a', 'https://h/A', 'h:a', 'me@h:a'];
    expect(new Set(some.map(normalizedRepository)).size).toBe(some.length);
  });
});
