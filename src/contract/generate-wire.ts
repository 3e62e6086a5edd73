/** Writes `plain/wire.ts`, the schemas by which workflows read messages. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeWireModule } from './wire-schemas.ts';

writeFileSync(join(import.meta.dirname, 'plain', 'wire.ts'), writeWireModule());
