/** A review target as one line of foreign text, without passwords. */
import type { BatchTarget } from '../../reviews/batch.ts';
import { withoutSecrets } from '../repository-address.ts';

export function describeTarget({ repository, branch, base, host }: BatchTarget): string {
  return `${withoutSecrets(repository)}${branch === undefined ? '' : ` ${branch}`}${base === undefined ? '' : ` against ${base}`}${host === undefined ? '' : ` on host ${host}`}`;
}
