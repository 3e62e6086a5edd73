/** What is said to one family of models alone, by the name of the model. */

/** The patch form is part of the training of one family only, so the others see a complete one. */
const PATCH_FORM = `# The form of a patch
\`apply_patch\` takes text like this, with paths relative to the working directory:
*** Begin Patch
*** Update File: src/greet.ts
@@ export function greet(name: string) {
   const word = 'Hello';
-  return word + name;
+  return \`\${word}, \${name}\`;
 }
*** Add File: src/bye.ts
+export const bye = 'Bye';
*** Delete File: src/old.ts
*** End Patch
Lines of a hunk begin with a space, - or +, and then have the exact text of the file. Three lines of context around a
change are enough; if they occur more than once, name the function or class after @@. All lines of a new file begin with +.`;

const OPENAI = `# Habits to mind
Do the whole task in one go, without asking whether to go on. Do not repeat the plan in prose, and do not announce a tool
call that you then do not make.`;

const CLAUDE = `# Habits to mind
Do what was asked and no more: no extra files, no documents about the work, no abstraction for later, no compatibility code
for what nothing uses. Do not write a special case that only satisfies a test. Skip praise and apologies.`;

const GEMINI = `# Habits to mind
Go on calling tools until the task is done: a message without a tool call ends your turn. Take names of tools and their
arguments exactly as they are given. Do not assume that a library is there: look in the project's files first.`;

/** Of a model as threads have it, with or without a provider. */
export function familyInstructions(model: string): string[] {
  const name = model.slice(model.lastIndexOf('/') + 1).toLowerCase();
  if (/^(gpt-|codex|o\d|chatgpt)/.test(name)) return [OPENAI];
  if (name.includes('claude')) return [CLAUDE, PATCH_FORM];
  if (name.includes('gemini')) return [GEMINI, PATCH_FORM];
  return [PATCH_FORM];
}
