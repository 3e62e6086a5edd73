import { join } from 'node:path';
import { inspect } from 'node:util';
import { createReviewTargets } from '../../../src/adapters/git/targets/review-targets.ts';
import { StartBatchSchema } from '../../../src/contract/index.ts';
import { newBatch, toRowsPage } from '../../../workflows/batch-review/batch.ts';
import { toDetails, toTargetSummary } from '../../../workflows/batch-review/details.ts';
import { faultsOf, parseStartBatch } from '../../../workflows/batch-review/guards.ts';
import { type EscapeRow, held, heldUnless } from '../row.ts';

const SECRET = 'ghp_0123456789';
const ADDRESSES = [
  ...[`http://${SECRET}@127.0.0.1:1/x.git`, `https://me:${SECRET}@127.0.0.1:1/x.git`, `me:${SECRET}@127.0.0.1:x.git`],
  ...[`https://127.0.0.1:1/x.git?access_token=${SECRET}`, `https://127.0.0.1:1/x.git#${SECRET}`],
  ...[`ssh://git:${SECRET}@127.0.0.1:1/x.git`, `https://127.0.0.1:1/https://${SECRET}@127.0.0.1:1/x.git`],
];

export const rows: EscapeRow[] = [
  {
    row: 17,
    tried: 'a batch target holds a token or a password in its address',
    heldBy:
      'refused at the edge; a batch that was stored with it fails that row and passes on, shows and repeats nothing of it',
    async attack({ root, signal }) {
      const port = createReviewTargets({ directory: join(root, 'workspaces') });
      for (const repository of ADDRESSES) {
        const targets = [{ repository }];
        const edge = StartBatchSchema.safeParse({ targets });
        if (edge.success) return heldUnless(`the edge took ${repository}`);
        const parsed = parseStartBatch({ targets });
        if (!parsed.ok) return heldUnless(`a stored batch with ${repository} was refused as a whole`);
        const state = newBatch('b', parsed.value, 0, faultsOf(parsed.value.targets));
        const failure: unknown = await port.find({ repository }, 'target', signal).catch((error: unknown) => error);
        const shown = [
          edge.error,
          state,
          toRowsPage(state, 0, 1),
          toDetails(state, null),
          toTargetSummary({ repository }),
        ];
        if (inspect([...shown, failure], { depth: 20 }).includes(SECRET))
          return heldUnless(`${repository} was repeated`);
      }
      return held;
    },
  },
];
