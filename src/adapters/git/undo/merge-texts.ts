/** A merge of three texts by `git merge-file`, in our own folder. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makePrivateTemp } from '../../../folders/private-temp.ts';
import { runGit } from '../process/git-process.ts';
import { makePrivateGitDir } from '../process/private-git-dir.ts';

/** Bytes of one text; a larger one is not merged. */
const MAX_BYTES = 8 * 1024 * 1024;
/** The bytes by which git distinguishes text from other content. */
const LOOKED_AT_BYTES = 8_000;

/** Exit codes up to this one are a number of conflicts. */
const MOST_CONFLICTS = 127;

export interface Texts {
  ours: Buffer;
  /** Their common ancestor. */
  base: Buffer;
  theirs: Buffer;
}

export async function mergeTexts({ ours, base, theirs }: Texts): Promise<Buffer | 'conflict' | 'binary'> {
  if (
    [ours, base, theirs].some(
      (text) => text.length > MAX_BYTES || (text.includes(0) && text.subarray(0, LOOKED_AT_BYTES).includes(0)),
    )
  )
    return 'binary';
  const cwd = await makePrivateTemp('bobbin-merge-');
  try {
    const texts = { ours, base, theirs };
    for (const [name, text] of Object.entries(texts)) await writeFile(join(cwd, name), text, { mode: 0o600 });
    const gitDir = join(cwd, 'git');
    makePrivateGitDir(gitDir);
    const answers = Array.from({ length: MOST_CONFLICTS + 1 }, (_, code) => code);
    const args = ['merge-file', '-p', '--quiet', 'ours', 'base', 'theirs'];
    const { code, stdout } = await runGit(args, { cwd, gitDir, signal: AbortSignal.timeout(60_000), answers });
    return code === 0 ? stdout : 'conflict';
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
}
