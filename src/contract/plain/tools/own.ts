/** The name that stands for the worker itself where calls of other tools have the name of an MCP server. */
export const OWN_TOOLS = 'worker';
