import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { writeContractSchemas } from './test-contract-schemas.ts';

it('contract-schemas.ts is what the types say: run `npm run generate:http` after a change of an answer', () => {
  expect(readFileSync(join(import.meta.dirname, 'contract-schemas.ts'), 'utf8')).toBe(writeContractSchemas());
}, 120_000);
