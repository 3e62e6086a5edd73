/** The tool definitions that a model gets, byte for byte: a change of them affects every conversation. */
import { expect, test } from 'vitest';
import type { ThreadSettings } from '../../src/contract/index.ts';
import { toolsFor } from './tool-specs.ts';

const THREADS: Record<string, Pick<ThreadSettings, 'parent' | 'subThreads'>> = {
  'a thread': { parent: null, subThreads: { maxDepth: 1, maxActive: 4 } },
  'a thread that may start no agents': { parent: null, subThreads: { maxDepth: 0, maxActive: 0 } },
  'an agent as deep as agents may be': { parent: toParent('agent'), subThreads: { maxDepth: 1, maxActive: 4 } },
  'an agent with skills': { parent: toParent('agent'), subThreads: { maxDepth: 1, maxActive: 4 } },
  'a review': { parent: toParent('review'), subThreads: { maxDepth: 1, maxActive: 4 } },
};

function toParent(role: 'agent' | 'review') {
  return { threadId: 'p', path: ['p'], role };
}

test('the tools that a model is sent', async () => {
  const sent = Object.entries(THREADS).map(([name, settings]) => {
    const skills = name.includes('with skills');
    const tools = toolsFor(settings as ThreadSettings, { images: true, skills }).map((tool) => JSON.stringify(tool));
    return `# ${name}\n${tools.join('\n')}\n`;
  });
  await expect(sent.join('\n')).toMatchFileSnapshot('./tools-sent.txt');
});
