/** What a request offers a model beside its conversation: tools of Bobbin, of the operator and of servers, and the web. */
import type { ThreadSettings } from '../../src/contract/index.ts';
import { type WebSearch, leastWebSearch } from '../../src/contract/plain/web-search.ts';
import type { McpTool, McpWarning, ModelRequest, Ports } from '../ports.ts';
import { isReview } from '../review/rubric.ts';
import { toSpec, toolsFor } from './tool-specs.ts';

export interface Offers {
  /** Members of the request. */
  tools: ModelRequest['tools'];
  webSearch: WebSearch;
  /** The tools that have a route. */
  routed: readonly McpTool[];
  mcpWarnings: McpWarning[];
  warnings: string[];
}

/** A review gets nothing from outside: the code that it reads must not have a way out. */
export async function findOffers(
  ports: Ports,
  { settings, skills }: { settings: ThreadSettings; skills: boolean },
  signal: AbortSignal,
): Promise<Offers> {
  const own = toolsFor(settings, { ...ports.abilities(settings.model), skills });
  if (isReview(settings)) return { tools: own, webSearch: 'off', routed: [], mcpWarnings: [], warnings: [] };
  const servers = await ports.mcp.tools(signal);
  const routed = [...ports.tools.tools, ...servers.tools];
  const { webSearch: asked = 'off' } = settings;
  const webSearch = leastWebSearch(asked, ports.webSearch);
  const warning = `The thread has webSearch "${asked}", and its operator allows "${ports.webSearch}" (BOBBIN_WEB_SEARCH).`;
  return {
    tools: [...own, ...routed.map(toSpec)],
    webSearch,
    routed,
    mcpWarnings: servers.warnings,
    warnings: webSearch === asked ? [] : [warning],
  };
}
