import { chownSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findWorkTree } from './work-tree.ts';

let root: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'bobbin-work-tree-')));
  mkdirSync(join(root, 'one', 'two'), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const OTHERS = 12_345;

describe('the work tree of a folder', () => {
  it('is the nearest folder upwards with a .git, or none', () => {
    expect(findWorkTree(join(root, 'one', 'two'))).toBe(null);
    mkdirSync(join(root, 'one', '.git'));
    expect(findWorkTree(join(root, 'one', 'two'))).toBe(join(root, 'one'));
    mkdirSync(join(root, 'one', 'two', '.git'));
    expect(findWorkTree(join(root, 'one', 'two'))).toBe(join(root, 'one', 'two'));
  });

  it.runIf(process.getuid?.() === 0)('is none that another user made around it', () => {
    mkdirSync(join(root, '.git'));
    chownSync(join(root, '.git'), OTHERS, OTHERS);
    expect(findWorkTree(join(root, 'one', 'two'))).toBe(null);
    expect(findWorkTree(root)).toBe(root);
    chownSync(join(root, 'one', 'two'), OTHERS, OTHERS);
    expect(findWorkTree(join(root, 'one', 'two'))).toBe(root);
  });
});
