/** Entry point of a supervisor process. */
import '../../../folders/start-up.ts';

await import('./serve.ts');
