import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readDevState } from './dev-state.ts';
import { findFormerData, importFormerData, readFormerData } from './former-data.ts';

let root: string;
let former: string;
let data: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'bobbin-former-')));
  former = join(root, 'repository', '.bobbin');
  data = join(root, 'data');
  for (const folder of ['keys/current', 'archive', 'rules/a']) mkdirSync(join(former, folder), { recursive: true });
  const files = ['temporal.db', 'keys/one.json', 'archive/s-one.segment', 'rules/a/repo_1.json', 'mcp.json'];
  for (const file of files) writeFileSync(join(former, file), file);
  writeFileSync(join(former, 'dev.json'), JSON.stringify({ running: null, threadId: 'repository-1' }));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const read = (name: string) => readFileSync(join(data, name), 'utf8');

describe('the data that an earlier release kept in a repository', () => {
  it('is found there, unless it is the data folder itself', () => {
    expect(findFormerData(join(root, 'repository'), data)).toBe(former);
    expect(findFormerData(join(root, 'repository'), former)).toBeNull();
    expect(findFormerData(root, data)).toBeNull();
  });

  it('is shown with the answers and the programs in it', () => {
    expect(readFormerData(former)).toEqual({
      ...{ path: former, databaseBytes: 11, keyFiles: 1, archiveFiles: 1 },
      ...{ rules: ['rules/a/repo_1.json'], mcpConfig: 'mcp.json' },
    });
  });

  it('is copied without its MCP servers, closed to others, and its thread continues in its repository', async () => {
    await importFormerData(former, data, false);
    expect(read('temporal.db')).toBe('temporal.db');
    expect(read('rules/a/repo_1.json')).toBe('rules/a/repo_1.json');
    expect(existsSync(join(data, 'mcp.json'))).toBe(false);
    expect(existsSync(join(former, 'temporal.db'))).toBe(true);
    expect(statSync(join(data, 'keys', 'one.json')).mode & 0o077).toBe(0);
    expect(readDevState(data).threads).toEqual({ [join(root, 'repository')]: 'repository-1' });
  });

  it('brings its MCP servers where a person asks for them', async () => {
    await importFormerData(former, data, true);
    expect(read('mcp.json')).toBe('mcp.json');
  });

  it('brings nothing by a link', async () => {
    writeFileSync(join(root, 'secret'), 'SECRET');
    rmSync(join(former, 'archive'), { recursive: true });
    symlinkSync(root, join(former, 'archive'));
    symlinkSync(join(root, 'secret'), join(former, 'keys', 'two.json'));
    await importFormerData(former, data, false);
    expect(existsSync(join(data, 'archive'))).toBe(false);
    expect(existsSync(join(data, 'keys', 'two.json'))).toBe(false);
  });

  it('does not replace threads that are there', async () => {
    mkdirSync(data, { mode: 0o700 });
    writeFileSync(join(data, 'temporal.db'), 'mine');
    await expect(importFormerData(former, data, false)).rejects.toThrow('already contains threads');
    expect(read('temporal.db')).toBe('mine');
  });
});
