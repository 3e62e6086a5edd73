/** A target of reviews in words. */
import type { BatchTarget } from '../../contract/index.ts';

export function describeTarget({ repository, branch, base }: BatchTarget): string {
  return `${repository}${branch === undefined ? '' : ` ${branch}`}${base === undefined ? '' : ` against ${base}`}`;
}
