/** Which tools the model of a thread is sent. */
import type { Audience } from '../../src/contract/plain/tools/tool.ts';
import type { ThreadSettings } from '../../src/contract/index.ts';
import { READ_SKILL } from '../../src/contract/plain/tools/read-skill.ts';
import { VIEW_IMAGE } from '../../src/contract/plain/tools/view-image.ts';
import type { ModelAbilities, ToolSpec } from '../ports.ts';
import { TOOLS } from '../tools.ts';

/**
 * A review gets only the tools for reviews, a thread that may start no agents gets no tools for agents, a model without
 * eyes none that shows something, and a thread without skills none that reads one.
 */
export function toolsFor(
  { parent, subThreads }: ThreadSettings,
  { images, skills }: ModelAbilities & { skills: boolean },
): ToolSpec[] {
  const depth = parent?.path.length ?? 0;
  const audiences: Audience[] = ['threadsAndReviews'];
  if (parent?.role !== 'review') audiences.push('threads');
  if (parent?.role !== 'review' && depth < subThreads.maxDepth) audiences.push('parents');
  const offered = TOOLS.filter(({ offeredTo }) => audiences.includes(offeredTo));
  const without = [...(images ? [] : [VIEW_IMAGE.name]), ...(skills ? [] : [READ_SKILL.name])];
  return offered.filter(({ name }) => !without.includes(name)).map(toSpec);
}

export function toSpec({ name, description, parameters, freeform }: ToolSpec): ToolSpec {
  return { name, description, parameters, ...(freeform === undefined ? {} : { freeform }) };
}
