import { noTemporal, temporalProgram } from '../person.ts';
import { type EscapeRow, heldUnless } from '../row.ts';
import { SIGNAL_PATH, send, withTarget } from '../service.ts';

export const rows: EscapeRow[] = [
  {
    row: 19,
    tried:
      'a page whose name leads to 127.0.0.1 (DNS rebinding) takes the token of the Temporal UI and sends a message to a thread, on every port of the service',
    heldBy:
      'a guard at the port of the UI passes on requests for `127.0.0.1`, `localhost` and `[::1]` alone; the UI itself listens on a random address of 127.0.0.0/8 (Linux) and a random port',
    async attack(place) {
      if (process.platform !== 'linux') return { type: 'notTried', why: 'the ports are found by /proc' };
      if ((await temporalProgram()) === null) return noTemporal;
      return withTarget(place, async ({ service, ports, wasReached }) => {
        const own = new URL(service.uiUrl ?? '');
        const known = await send(Number(own.port), { path: '/api/v1/settings', headers: { host: own.host } });
        if (known.status !== 200) throw new Error('The UI does not answer its own page.');
        for (const port of ports) {
          const headers = { host: `attacker.invalid:${port}`, 'sec-fetch-site': 'same-origin' };
          const page = await send(port, { path: '/api/v1/settings', headers });
          const cookie = String(page.headers['set-cookie'] ?? '').split(';', 1)[0] ?? '';
          if (cookie.includes('csrf')) return { type: 'broken', what: `port ${port} gave its token to another name` };
          const post = {
            ...headers,
            origin: `http://attacker.invalid:${port}`,
            cookie,
            'x-csrf-token': cookie.split('=')[1] ?? '',
          };
          const body = JSON.stringify({ signalName: 'submitTurn', input: { payloads: [] } });
          await send(port, {
            method: 'POST',
            path: SIGNAL_PATH,
            body,
            headers: { ...post, 'content-type': 'application/json' },
          });
        }
        return heldUnless((await wasReached()) && 'the message is in the history of the thread');
      });
    },
  },
];
