/**
 * Patches that a model gives to the shell, which has no such command. As in Codex, the command's text reveals them.
 * They are not applied here, since the approval request and the rule would then be about a command.
 */

const WORD = String.raw`(?:[^\s'"\\;&|<>()$\x60]|\\.|'[^']*'|"(?:[^"\\$\x60]|\\.)*")+`;
/** Possible prefixes: `cd folder &&`, assignments, and a shell that is given the rest as a script. */
const BEFORE = String.raw`(?:cd\s+${WORD}\s*(?:&&|;)\s*|\w+=${WORD}?\s+|(?:\S*\/)?(?:ba|z|da)?sh\s+-l?c\s+["'])*`;
const CALLED = new RegExp(String.raw`^\s*${BEFORE}(apply_?patch)(?=\s|["']?$)`);
/** The patch alone, as the whole command. */
const BARE = /^\s*\*\*\* Begin Patch/;

/** The name by which the command calls the patch program; null if it does not. */
export function patchProgram(command: string): string | null {
  return CALLED.exec(command)?.[1] ?? (BARE.test(command) ? 'apply_patch' : null);
}

/** The note to the model. @param called the name as the model wrote it. */
export function patchHint(called: string): string {
  return (
    `${called} is not a command, and no patch was applied. ` +
    'Call the tool apply_patch instead, with the whole patch, from *** Begin Patch to *** End Patch, as its `input`.'
  );
}
