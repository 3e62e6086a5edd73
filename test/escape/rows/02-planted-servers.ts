import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readMcpConfig } from '../../../src/adapters/mcp/config.ts';
import { createMcp } from '../../../src/adapters/mcp/mcp-adapter.ts';
import { type EscapePlace, type EscapeRow, type Outcome, heldUnless } from '../row.ts';

interface Planted {
  program: string;
  args: string[];
  /** Puts something into a clone that leaves the marker. */
  plant: (clone: string, marker: string) => void;
}

const PACKAGE = '@modelcontextprotocol/server-filesystem';

const byNpx: Planted = {
  program: 'npx',
  args: ['--no', PACKAGE],
  plant: (clone, marker) => {
    const folder = join(clone, 'node_modules', PACKAGE);
    for (const path of [folder, join(clone, 'node_modules/.bin')]) mkdirSync(path, { recursive: true });
    writeFileSync(join(clone, 'package.json'), '{"name":"clone"}');
    writeFileSync(
      join(folder, 'package.json'),
      JSON.stringify({ name: PACKAGE, version: '9.9.9', bin: { x: 'x.js' } }),
    );
    const code = `#!/usr/bin/env node\nrequire("fs").writeFileSync(${JSON.stringify(marker)}, "")\n`;
    for (const path of [join(folder, 'x.js'), join(clone, 'node_modules/.bin/x')])
      writeFileSync(path, code, { mode: 0o755 });
  },
};

const byPython: Planted = {
  program: 'python3',
  args: ['-m', 'mcp_server_git'],
  plant: (clone, marker) => writeFileSync(join(clone, 'mcp_server_git.py'), `open(${JSON.stringify(marker)}, "w")`),
};

/** A worker is started in the clone. */
async function startIn({ root, signal }: EscapePlace, { program, args, plant }: Planted): Promise<Outcome> {
  const [clone, marker, data] = [join(root, 'clone'), join(root, 'marker'), join(root, 'data')];
  for (const folder of [clone, data]) mkdirSync(folder, { mode: 0o700 });
  plant(clone, marker);
  if (spawnSync(program, args, { cwd: clone, timeout: 60_000 }).error !== undefined || !existsSync(marker))
    return { type: 'notTried', why: `${program} does not run what is planted here` };
  spawnSync('rm', [marker]);
  const file = join(data, 'mcp.json');
  writeFileSync(
    file,
    JSON.stringify({ mcpServers: { planted: { command: program, args, startupTimeoutMs: 60_000 } } }),
  );
  const before = process.cwd();
  process.chdir(clone);
  const mcp = createMcp({
    servers: readMcpConfig(file, {}, true),
    stateDirectory: data,
    version: '0',
    env: process.env,
    log: () => undefined,
  });
  try {
    await mcp.tools(signal);
    return heldUnless(existsSync(marker) && `the clone's own copy was run by ${program}`);
  } finally {
    await mcp.close();
    process.chdir(before);
  }
}

export const rows: EscapeRow[] = [
  {
    row: 2,
    tried: 'a clone brings `node_modules` with the package of an MCP server, which `npx` starts',
    heldBy: 'programs of MCP servers start in a private folder, which ends the search for packages',
    attack: (place) => startIn(place, byNpx),
  },
  {
    row: 2,
    tried: 'a clone brings the module of an MCP server, which `python -m` starts',
    heldBy: 'programs of MCP servers start in a private folder',
    attack: (place) => startIn(place, byPython),
  },
];
