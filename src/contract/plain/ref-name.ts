/** Names of branches and commits, as targets of reviews give them. Pure and without imports. */

/**
 * Whether git may be given the name. It is neither an option nor a pattern, and names no second place behind a colon; it
 * may lead on from a commit (`v1~2`, `main@{upstream}`).
 */
export function isRefName(name: string): boolean {
  return /^[^-\s][^\s]*$/.test(name) && !/[\p{Cc}:?*[\\]/u.test(name);
}

/** Whether a remote repository can be asked for it: the name of a branch or a tag, or a full id. */
export function isRemoteRefName(name: string): boolean {
  return isRefName(name) && !/[~^]|\.\.|@\{|\/\/|^@$|^\/|[/.]$|\.lock(?:\/|$)|(?:^|\/)\./.test(name);
}
