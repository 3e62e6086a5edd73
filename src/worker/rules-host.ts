/**
 * The host part of the key of a repository's rules: a path alone may be another repository on another host. No host has the
 * name of a group.
 */
export function toRulesHost({ hostId }: { hostId: string }, { hostGroup }: { hostGroup: string | undefined }): string {
  return hostGroup === undefined ? hostId : `@${hostGroup}`;
}
