import { startIdentityService } from '../../../src/dev/identity-service/server.ts';
import { startModelServer } from '../../../src/dev/model-server/server.ts';
import { noTemporal, temporalProgram } from '../person.ts';
import { type EscapeRow, heldUnless } from '../row.ts';
import { SIGNAL_PATH, send, withTarget } from '../service.ts';

/** What a form or a script of another origin can send without being asked first. */
const CROSS_SITE = { 'content-type': 'text/plain', origin: 'https://attacker.invalid', 'sec-fetch-site': 'cross-site' };
const MESSAGE = JSON.stringify({ input: [{}] });

export const rows: EscapeRow[] = [
  {
    row: 10,
    tried: 'a web page sends a message to a thread through any port of the embedded Temporal service',
    heldBy:
      'its HTTP API answers to a name that no browser can send (`frontend.httpAllowedHosts`), which every start checks; a guard in front of its UI refuses other origins',
    async attack(place) {
      if (process.platform !== 'linux') return { type: 'notTried', why: 'the ports are found by /proc' };
      if ((await temporalProgram()) === null) return noTemporal;
      return withTarget(place, async ({ ports, wasReached }) => {
        for (const port of ports)
          for (const type of ['text/plain', 'application/x-www-form-urlencoded'])
            await send(port, {
              method: 'POST',
              path: SIGNAL_PATH,
              body: MESSAGE,
              headers: { ...CROSS_SITE, 'content-type': type },
            });
        return heldUnless((await wasReached()) && 'the message is in the history of the thread');
      });
    },
  },
  {
    row: 10,
    tried: 'a web page sends control messages to the offline model server and the reference identity service',
    heldBy:
      'both take JSON only, from programs and their own pages: `Host`, `Origin`, `Sec-Fetch-Site` and `Content-Type` are checked',
    async attack() {
      const [identity, model] = [await startIdentityService(), await startModelServer()];
      try {
        const body = '{"failNext":{"status":500,"times":1,"path":"/reference/state"}}';
        const attempts = [{ ...CROSS_SITE }, { ...CROSS_SITE, 'content-type': 'application/json' }, {}];
        for (const headers of attempts) {
          await send(identity.port, { method: 'POST', path: '/reference/control', body, headers });
          await send(model.port, { method: 'POST', path: '/v1/responses', body: '{"input":"say: hi"}', headers });
        }
        if (model.requests.length > 0) return { type: 'broken', what: 'the model server took it' };
        const { status } = await send(identity.port, { path: '/reference/state' });
        return heldUnless(status !== 200 && 'the identity service took it');
      } finally {
        await identity.close();
        await model.close();
      }
    },
  },
];
