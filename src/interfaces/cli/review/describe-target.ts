import type { BatchTarget } from '../../../contract/index.ts';
import { withoutSecrets } from '../../../contract/plain/repository-address.ts';

export function describeTarget({ repository, branch, base }: BatchTarget): string {
  return `${withoutSecrets(repository)}${branch === undefined ? '' : ` ${branch}`}${base === undefined ? '' : ` against ${base}`}`;
}
