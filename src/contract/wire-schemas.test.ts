import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { writeWireModule } from './wire-schemas.ts';

it('plain/wire.ts is what the schemas say: run `npm run generate:wire` after a change of a message', () => {
  expect(readFileSync(join(import.meta.dirname, 'plain', 'wire.ts'), 'utf8')).toBe(writeWireModule());
});
