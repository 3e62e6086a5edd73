/**
 * Patches that a model gives to the shell, which knows no such command. As in Codex, that is noticed by the command; it is not
 * applied here, since what a person was asked about and what a rule covers would then be a command.
 */

const WORD = String.raw`(?:[^\s'"\\;&|<>()$\x60]|\\.|'[^']*'|"(?:[^"\\$\x60]|\\.)*")+`;
/** `cd folder &&`, assignments, and a shell that is given the rest as a script may come before it. */
const BEFORE = String.raw`(?:cd\s+${WORD}\s*(?:&&|;)\s*|\w+=${WORD}?\s+|(?:\S*\/)?(?:ba|z|da)?sh\s+-l?c\s+["'])*`;
const CALLED = new RegExp(String.raw`^\s*${BEFORE}(apply_?patch)(?=\s|["']?$)`);
/** The patch alone, as the whole command. */
const BARE = /^\s*\*\*\* Begin Patch/;

/** What it calls the patch by; null for a command that is none. */
export function patchProgram(command: string): string | null {
  return CALLED.exec(command)?.[1] ?? (BARE.test(command) ? 'apply_patch' : null);
}

/** Told to the model. @param called as it wrote it. */
export function patchHint(called: string): string {
  return (
    `${called} is not a command, and no patch was applied. ` +
    'Call the tool apply_patch instead, with the whole patch, from *** Begin Patch to *** End Patch, as its `input`.'
  );
}
