/** Entry point of a worker process: `node src/worker/main.ts`. The environment configures it. */
import '../folders/start-up.ts';

await import('./serve.ts');
