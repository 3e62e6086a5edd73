import { describe, expect, it } from 'vitest';
import type { Look, WorkTreeState } from '../../activities/ports.ts';
import { createLookRegistry, lookAt } from './look-registry.ts';

const STATE: WorkTreeState = { branch: 'main', head: null, changes: [], more: 0 };
const DOCS = { text: 'Be brief.', warnings: [] };
const LOOK: Look = { workTree: Promise.resolve(STATE), projectDocs: Promise.resolve(DOCS) };

describe('a look at a workspace', () => {
  it('is taken by the step for which it was begun, once', () => {
    const looks = createLookRegistry();
    looks.begin('t', 'model/1/1/1', () => LOOK);
    expect(looks.take('t', 'model/2/1/1')).toBeUndefined();
    expect(looks.take('other', 'model/1/1/1')).toBeUndefined();
    expect(looks.take('t', 'model/1/1/1')).toBe(LOOK);
    expect(looks.take('t', 'model/1/1/1')).toBeUndefined();
  });

  it('is begun for a few steps at a time, and the failure of one that nobody takes harms nobody', () => {
    const looks = createLookRegistry();
    let begun = 0;
    for (let n = 0; n < 100; n++)
      looks.begin('t', `model/${n}/1/1`, () => {
        begun++;
        return { ...LOOK, workTree: Promise.reject(new Error('no git')) };
      });
    expect(begun).toBe(8);
  });

  it('is only at a folder of this host that steps may use', async () => {
    const seen: string[] = [];
    const ports = {
      hosts: { id: 'here' },
      git: { workTree: (cwd: string) => (seen.push(cwd), Promise.resolve(STATE)) },
      projectDocs: { read: () => Promise.resolve(DOCS) },
      requireWorkspace: (cwd: string) => {
        if (cwd === '/closed') throw new Error('closed');
      },
    } as unknown as Parameters<typeof lookAt>[0];
    expect(lookAt(ports, { cwd: '/w', host: 'there' })).toBeUndefined();
    expect(lookAt(ports, { cwd: '/closed', host: 'here' })).toBeUndefined();
    const look = lookAt(ports, { cwd: '/w', host: 'here' });
    expect([await look?.workTree, await look?.projectDocs]).toEqual([STATE, DOCS]);
    expect(lookAt(ports, { cwd: '/old' })).toBeDefined();
    expect(seen).toEqual(['/w', '/old']);
  });
});
