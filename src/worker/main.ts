/** Entry point of a worker process: `node src/worker/main.ts`. The environment configures it. */
import module from 'node:module';
import '../folders/start-up.ts';
import { isBuilt } from '../folders/program-files.ts';

// Stack traces in its log name the sources. Reading the maps would cost a command a third of its time, and reading those of all
// packages an eighth of the start of a worker. Node before 22.14 has no way to leave these out.
if (isBuilt) {
  if ('setSourceMapsSupport' in module) module.setSourceMapsSupport(true, { nodeModules: false, generatedCode: false });
  else process.setSourceMapsEnabled(true);
}

await import('./serve.ts');
