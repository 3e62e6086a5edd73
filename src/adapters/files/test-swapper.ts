/** A process that swaps a folder for a symbolic link and back, as fast as it can. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

const PROGRAM = `
  const { renameSync, symlinkSync, writeSync } = require('node:fs');
  const [folder, target] = process.argv.slice(1);
  let inTheWay = 0;
  function move(from, to) {
    for (;;) {
      try { return renameSync(from, to); } catch {}
      // Somebody has made a folder there meanwhile.
      try { renameSync(to, to + '.' + inTheWay++); } catch {}
    }
  }
  symlinkSync(target, folder + '.link');
  for (let round = 0; ; round += 1) {
    move(folder, folder + '.aside');
    move(folder + '.link', folder);
    if (round === 0) writeSync(1, 'swapping');
    move(folder, folder + '.link');
    move(folder + '.aside', folder);
  }`;

/** Swaps from when this resolves until `stop` is called. `stop` rejects if the process had ended before. */
export async function startSwapper(folder: string, target: string): Promise<{ stop(): Promise<void> }> {
  const swapper = spawn(process.execPath, ['-e', PROGRAM, folder, target], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(swapper, 'close');
  const early = ended.then(() => Promise.reject(new Error('The swapper ended too early.')));
  early.catch(() => undefined);
  await Promise.race([once(swapper.stdout, 'data'), early]);
  return {
    async stop() {
      if (swapper.exitCode !== null) await early;
      swapper.kill('SIGKILL');
      await ended;
    },
  };
}
