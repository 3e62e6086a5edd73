/**
 * The tools of this project: the definitions that a model gets, in this order, and the activities that do their work.
 * `workflows/thread/tools/index.ts` has the other half: what a thread does with their calls.
 */
import { AGENT_TOOLS } from '../src/contract/plain/tools/agents.ts';
import { APPLY_PATCH } from '../src/contract/plain/tools/apply-patch.ts';
import { EXEC_COMMAND } from '../src/contract/plain/tools/exec-command.ts';
import { READ_SKILL } from '../src/contract/plain/tools/read-skill.ts';
import { REQUEST_USER_INPUT } from '../src/contract/plain/tools/request-user-input.ts';
import type { ToolDefinition } from '../src/contract/plain/tools/tool.ts';
import { WRITE_STDIN } from '../src/contract/plain/tools/write-stdin.ts';
import { UPDATE_PLAN } from '../src/contract/plain/tools/update-plan.ts';
import { VIEW_IMAGE } from '../src/contract/plain/tools/view-image.ts';
import { applyPatch } from './files/apply-patch.ts';
import { viewImage } from './images/view-image.ts';
import { callMcpTool } from './mcp/call-mcp-tool.ts';
import { execCommand } from './shell/exec-command.ts';
import { readSkill } from './skills/read-skill.ts';
import { writeStdin } from './shell/sessions.ts';

export const TOOLS: readonly ToolDefinition[] = [
  EXEC_COMMAND,
  WRITE_STDIN,
  APPLY_PATCH,
  VIEW_IMAGE,
  UPDATE_PLAN,
  REQUEST_USER_INPUT,
  ...AGENT_TOOLS,
  READ_SKILL,
];

export const TOOL_ACTIVITIES = {
  execCommand,
  applyPatch,
  callMcpTool,
  writeStdin,
  readSkill,
  viewImage,
};
