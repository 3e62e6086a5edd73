/**
 * A worker whose threads have one tool more: `look_up_order`, which reads orders from a file.
 *
 *     node examples/07-custom-tool/worker.ts orders.json
 *
 * Outside of this repository the import reads `from 'bobbin/worker'`.
 */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { defineTool, startWorker } from '../../src/worker/index.ts';

const [file] = process.argv.slice(2);
if (file === undefined) {
  console.error('One argument is needed: a JSON file with orders, { "A-17": { "state": "paid" } }.');
  process.exit(2);
}

const OrdersSchema = z.record(z.string(), z.object({ state: z.string() }));

const lookUpOrder = defineTool({
  name: 'look_up_order',
  description: 'Looks up the state of an order by its number.',
  input: z.object({ number: z.string().describe('For example A-17.') }),
  // It changes nothing, so nobody is asked, and calls run in parallel.
  readOnly: true,
  timeoutMs: 5_000,
  async run({ number }, { signal }) {
    const orders = OrdersSchema.parse(JSON.parse(await readFile(file, { encoding: 'utf8', signal })));
    const order = orders[number];
    // The model reads the message.
    if (order === undefined) throw new Error(`There is no order ${number}.`);
    return { number, ...order };
  },
});

// Everything else comes from the environment, as for `bobbin worker`.
const worker = await startWorker({ tools: [lookUpOrder] });
console.log('the worker is ready');
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void worker.stop());
await worker.done;
