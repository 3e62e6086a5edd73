import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { HOST_ID } from '../contract/plain/hosts.ts';
import { openHostFile } from './host-file.ts';

const root = mkdtempSync(join(tmpdir(), 'bobbin-host-file-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('the file of a host', () => {
  it('is made once, is private, and names the machine', () => {
    const data = join(root, 'data');
    const made = openHostFile(data);
    expect(made.hostId).toMatch(HOST_ID);
    expect(made.hostId[0]).toBe(hostname().toLowerCase()[0]);
    expect(openHostFile(data)).toEqual(made);
    expect(statSync(join(data, 'host.json')).mode & 0o777).toBe(0o600);
  });

  it.each(['', '{', 'null', '{"hostId": "Odd Name", "key": "k"}', '{"hostId": "fine"}'])(
    'that cannot be used is named and stays as it is: %j',
    (text) => {
      const path = join(root, 'host.json');
      writeFileSync(path, text);
      expect(() => openHostFile(root)).toThrow(`${path} cannot be used`);
      expect(readFileSync(path, 'utf8')).toBe(text);
    },
  );
});
