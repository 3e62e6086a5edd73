/** Entry point of a worker process: `node src/worker/main.ts`. The environment configures it. */
import '../folders/start-up.ts';
import { isBuilt } from '../folders/program-files.ts';

// Stack traces in its log name the sources. Reading the maps would cost a command a third of its time.
if (isBuilt) process.setSourceMapsEnabled(true);

await import('./serve.ts');
