/** Shows which host this machine is. */
import { HOST_ID, HOST_ID_CHARACTERS } from '../../contract/plain/hosts.ts';
import { dataLayout } from '../../folders/folders.ts';
import { readHostFile } from '../../folders/host-file.ts';
import type { CheckContext, Finding, Probe } from './check.ts';

export const hostProbe: Probe = {
  name: 'host',
  need: 'an id that no other machine of the task queue has; the first worker makes one',
  look: (context) => Promise.resolve(lookAtHost(context)),
};

function lookAtHost({ env, dataDirectory }: Pick<CheckContext, 'env' | 'dataDirectory'>): Finding {
  const { BOBBIN_HOST: given = '' } = env;
  if (given !== '' && !HOST_ID.test(given))
    return { status: 'missing', found: `BOBBIN_HOST is ${JSON.stringify(given)}`, howTo: `${HOST_ID_CHARACTERS}.` };
  const kept = readHostFile(dataLayout(dataDirectory).host)?.hostId;
  if (given !== '') return { status: 'ok', found: `${given}, by BOBBIN_HOST` };
  return { status: 'ok', found: kept ?? 'the first worker makes an id' };
}
