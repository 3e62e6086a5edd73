/** What the offline model does with a text that holds no rule: it looks at the workspace, then tells what it saw. */
import { describeWorkspace, printedBy } from './answer-text.ts';
import type { Conversation, ToolUse } from './types.ts';
import { runCalls } from './tool-calls.ts';
import type { OfferedTool, ToolCall } from './tool-calls.ts';

const HISTORY = 'git log --oneline -5';
const NAMES = 'ls';
const COUNT = 'git ls-files | wc -l';
const README = 'head -20 README.md';

/** The next calls of the tour, or the text it ends with. Later steps follow from what earlier ones printed. */
export function nextOfTour(
  conversation: Conversation,
  tools: OfferedTool[],
  parallel: boolean,
): { calls: ToolCall[] } | { text: string } {
  const { uses } = conversation;
  const steps = [[HISTORY], parallel ? [NAMES, COUNT] : [NAMES]];
  const names = printedBy(uses[1]).split(/\s+/);
  if (names.includes('README.md')) steps.push([README]);
  const calls = runCalls(stepAfter(steps, uses.length), false, tools);
  if ('missing' in calls) return { text: withoutTools(conversation) };
  return calls.calls.length > 0 ? calls : { text: describeWorkspace(conversation, toFindings(uses, parallel, names)) };
}

/** Commands of the first step that is not done, less those of it that are. */
function stepAfter(steps: string[][], done: number): string[] {
  let before = 0;
  for (const step of steps) {
    if (done < before + step.length) return step.slice(done - before);
    before += step.length;
  }
  return [];
}

function toFindings(uses: ToolUse[], parallel: boolean, names: string[]) {
  const count = parallel ? Number.parseInt(printedBy(uses[2]), 10) : Number.NaN;
  const readme = uses[parallel ? 3 : 2];
  return {
    log: printedBy(uses[0]),
    names: names.filter((name) => name !== ''),
    trackedFiles: Number.isNaN(count) ? undefined : count,
    readme: readme === undefined ? undefined : printedBy(readme),
  };
}

function withoutTools({ text }: Conversation): string {
  return `You wrote: "${text.trim().slice(0, 1000)}". No shell tool was offered, so I cannot look at the workspace.`;
}
