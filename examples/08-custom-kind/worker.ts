/**
 * A worker with a task of its own, `checksums`: turns of kind `custom` that run it write a file with the checksum of every
 * file of a folder, ten files in each step.
 *
 *     node examples/08-custom-kind/worker.ts
 *
 * Outside of this repository the import reads `from 'bobbin/worker'`.
 */
import { createHash } from 'node:crypto';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { defineTask, startWorker } from '../../src/worker/index.ts';

const IN_A_STEP = 10;
/** What one step leaves for the next one. */
const StateSchema = z.object({ files: z.array(z.string()), lines: z.array(z.string()) });

const checksums = defineTask({
  name: 'checksums',
  timeoutMs: 60_000,
  async run({ cwd, input, state, signal, progress }) {
    const folder = join(cwd, input === '' ? '.' : input);
    const { files, lines } = state === null ? { files: await filesOf(folder), lines: [] } : StateSchema.parse(state);
    const [now, later] = [files.slice(0, IN_A_STEP), files.slice(IN_A_STEP)];
    for (const file of now) {
      progress(file);
      const content = await readFile(join(folder, file), { signal });
      lines.push(`${createHash('sha256').update(content).digest('hex')}  ${file}`);
    }
    // A step that is lost with its worker runs again from the same state, so nothing is counted twice.
    if (later.length > 0) return { type: 'next', state: { files: later, lines }, message: `${lines.length} done` };
    await writeFile(join(folder, 'SHA256SUMS'), `${lines.join('\n')}\n`);
    return { type: 'done', message: `SHA256SUMS has ${lines.length} files.` };
  },
});

async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && entry.name !== 'SHA256SUMS');
  return files.map(({ name }) => name).sort();
}

const worker = await startWorker({ tasks: [checksums] });
console.log('the worker is ready');
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void worker.stop());
await worker.done;
