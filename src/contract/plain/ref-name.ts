/** Names of branches and commits in targets of reviews. Pure and without imports. */

/**
 * Whether the name is safe to pass to git. It is neither an option nor a pattern, and has no second part after a colon;
 * it may navigate from a commit (`v1~2`, `main@{upstream}`).
 */
export function isRefName(name: string): boolean {
  return /^[^-\s][^\s]*$/.test(name) && !/[\p{Cc}\p{Surrogate}:?*[\\]/u.test(name);
}

/** Whether a remote repository can resolve it: the name of a branch or a tag, or a full id. */
export function isRemoteRefName(name: string): boolean {
  return isRefName(name) && !/[~^]|\.\.|@\{|\/\/|^@$|^\/|[/.]$|\.lock(?:\/|$)|(?:^|\/)\./.test(name);
}
