/**
 * Starts a thread, follows its events, steers the turn once while it runs, and closes the thread.
 *
 *     node examples/01-thread-in-typescript/drive-thread.ts /path/to/a/repository "what to do" "what to add"
 *
 * Outside of this repository the import reads `from 'bobbin/client'`.
 */
import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import { type ThreadEvent, connectBobbin } from '../../src/client/index.ts';

const [cwd, prompt, addition] = process.argv.slice(2);
if (cwd === undefined || prompt === undefined || addition === undefined) {
  console.error('Three arguments are needed: a repository, what to do, and what to add while it is done.');
  process.exit(2);
}

const bobbin = await connectBobbin({
  connection: { address: process.env['TEMPORAL_ADDRESS'] ?? '127.0.0.1:7233' },
  namespace: process.env['TEMPORAL_NAMESPACE'] ?? 'default',
  taskQueue: process.env['BOBBIN_TASK_QUEUE'] ?? 'bobbin',
});
try {
  const start = { threadId: `example-${randomUUID()}`, workspace: { cwd: resolve(cwd) } };
  const turnId = `turn-${randomUUID()}`;
  const thread = await bobbin.threads.startWith(start, { turnId, kind: 'regular', input: toInput(prompt) });
  console.log(`thread ${thread.threadId}`);
  let steered = false;
  for await (const event of thread.events()) {
    console.log(describe(event));
    if (event.type === 'item/started' && event.item.type === 'commandExecution' && !steered) {
      steered = true;
      await thread.steer({ expectedTurnId: turnId, input: toInput(addition) });
    }
    if (event.type === 'turn/completed') {
      process.exitCode = event.turn.status === 'completed' ? 0 : 1;
      await thread.close({ reason: 'the example is over' });
    }
  }
} finally {
  await bobbin.close();
}

function toInput(text: string): { type: 'text'; text: string }[] {
  return [{ type: 'text', text }];
}

function describe(event: ThreadEvent): string {
  const line = `${String(event.seq).padStart(4)} ${event.type}`;
  if (event.type !== 'item/completed') return line;
  const { item } = event;
  if (item.type === 'agentMessage') return `${line}\n${item.text}`;
  return item.type === 'commandExecution' ? `${line} ${item.command}` : `${line} ${item.type}`;
}
