#!/usr/bin/env node
/** Runs the reference identity service alone: `node src/dev/identity-service/main.ts --port 7400 --state-file state.json`. */
import { parseArgs } from 'node:util';
import { closeOnSignal } from '../loopback-http.ts';
import { SERVICE_NAME, startIdentityService } from './server.ts';

const { values } = parseArgs({ options: { port: { type: 'string' }, 'state-file': { type: 'string' } } });
const stateFile = values['state-file'];
try {
  const service = await startIdentityService({
    port: Number(values.port ?? 0),
    ...(stateFile === undefined ? {} : { stateFile }),
  });
  closeOnSignal(() => service.close());
  console.log(`${SERVICE_NAME}: ${service.url}`);
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
