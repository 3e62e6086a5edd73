/** Writes `plain/wire.ts`, which the workflows read messages by. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeWireModule } from './wire-schemas.ts';

writeFileSync(join(import.meta.dirname, 'plain', 'wire.ts'), writeWireModule());
