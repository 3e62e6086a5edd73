import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { createReviewTargets } from '../../../src/adapters/git/targets/review-targets.ts';
import { StartBatchSchema } from '../../../src/contract/index.ts';
import { type EscapeRow, held, heldUnless } from '../row.ts';

export const rows: EscapeRow[] = [
  {
    row: 6,
    tried: 'a batch target, its branch or its base is an option of git, or names a program as its transport',
    heldBy:
      'addresses of four transports and names of branches only, at the edge and again in the worker; `GIT_ALLOW_PROTOCOL`; `--` before operands',
    async attack({ root, signal }) {
      const marker = join(root, 'marker');
      const source = join(root, 'source');
      mkdirSync(source);
      execFileSync('git', ['init', '-q', source]);
      const fetched = `file://${source}`;
      const targets = [
        ...[`--upload-pack=touch ${marker};`, `ext::touch ${marker}`, `-u touch ${marker};`].map((repository) => ({
          repository,
        })),
        ...[`--upload-pack=touch ${marker};`, `-u touch ${marker};`].flatMap((name) => [
          { repository: fetched, branch: name },
          { repository: source, base: name },
        ]),
      ];
      const port = createReviewTargets({ directory: join(root, 'workspaces') });
      for (const target of targets) {
        if (StartBatchSchema.safeParse({ targets: [target] }).success)
          return heldUnless(`the edge took ${target.repository}`);
        const failure = await port.find(target, 'target', signal).catch((error: unknown) => error);
        const code = (failure as { code?: string }).code ?? '';
        if (!code.startsWith('reviewTarget'))
          return heldUnless(`the worker went on with ${target.repository}: ${code}`);
      }
      return heldUnless(existsSync(marker) && 'a program that a target names was run');
    },
  },
  {
    row: 6,
    tried: 'a batch target leads to a server that never answers',
    heldBy: 'a fetch that shows no progress is ended, and every fetch has a deadline',
    async attack({ root, signal }) {
      const silent = createServer((socket) => void socket.on('error', () => undefined)).listen(0, '127.0.0.1');
      await once(silent, 'listening');
      const repository = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/x.git`;
      const port = createReviewTargets({ directory: join(root, 'workspaces'), fetchIdleMs: 500 });
      try {
        const failure = await port.find({ repository }, 'target', signal).catch((error: unknown) => error);
        return signal.aborted || !String(failure).includes('nothing came') ? heldUnless('it hung') : held;
      } finally {
        silent.close();
      }
    },
  },
];
