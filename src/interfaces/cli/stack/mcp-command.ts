/** `bobbin mcp`: threads as tools for another agent, over standard input and output. */
import { type Command, Option } from 'commander';
import { runCommand } from '../command.ts';
import { addWorkspaceOptions } from '../thread/new-workspace.ts';
import type { McpOptions } from './mcp.ts';

export function addMcpCommand(program: Command): void {
  const command = program
    .command('mcp')
    .description('serve threads as tools to another agent by MCP, over standard input and output')
    .addOption(
      new Option('--scope <scopes...>', 'what the agent may do').default(
        ['read', 'drive', 'approve'],
        'read drive approve',
      ),
    );
  addWorkspaceOptions(command, 'the folder that the command is started in')
    .option('--data-dir <path>', 'data folder of the stack to use (default: yours)')
    .addHelpText(
      'after',
      '\nExamples:\n  codex mcp add bobbin -- bobbin mcp\n  bobbin mcp --scope read drive      # approvals are left to people\n  bobbin mcp --repository https://git.example.com/team/shop.git\n\n`bobbin serve` offers the same over HTTP, at /mcp. docs/agent-as-a-tool.md describes the tools.',
    )
    .action((options: McpOptions) => runCommand(options, async () => (await import('./mcp.ts')).serveMcp(options)));
}
