/** Serves MCP until the client closes the connection, or Ctrl-C. */
import { inspect } from 'node:util';
import { toScopes } from '../../http/tokens.ts';
import { runStdio } from '../../mcp/stdio.ts';
import { type CommonOptions, connect, interruptSignal } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { type WorkspaceOptions, toWorkspace } from '../thread/new-workspace.ts';
import { printProblem, protocolOutput } from '../text/output.ts';

export interface McpOptions extends CommonOptions, WorkspaceOptions {
  scope: string[];
}

export async function serveMcp(options: McpOptions): Promise<number> {
  const rights = { scopes: toScopes(options.scope), owner: null };
  const workspace = toWorkspace(options);
  const bobbin = await connect(options);
  try {
    const onError = (error: unknown) => printProblem([inspect(error)]);
    const streams = { input: process.stdin, output: protocolOutput(), signal: interruptSignal() };
    await runStdio({ bobbin, rights, workspace, onError }, streams);
    return EXIT.ok;
  } finally {
    await bobbin.close();
  }
}
