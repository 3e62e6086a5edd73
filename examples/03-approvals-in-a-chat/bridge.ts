/**
 * Sends the requests of a thread to a chat, and the answers of the chat back to the thread.
 *
 *     CHAT_WEBHOOK=https://chat.example/hook node examples/03-approvals-in-a-chat/bridge.ts THREAD
 *
 * A message to the webhook is `{ "text": "..." }`, as Slack, Mattermost and others take it. Replies are lines on standard input,
 * `yes ID` or `no ID`: connect the events of your chat there. Outside of this repository the import reads `from 'bobbin/client'`.
 */
import { createInterface } from 'node:readline';
import { BobbinError, type ThreadRequest, connectBobbin } from '../../src/client/index.ts';

const [threadId] = process.argv.slice(2);
const webhook = process.env['CHAT_WEBHOOK'] ?? '';
if (threadId === undefined || webhook === '') {
  console.error('An argument is needed, the id of a thread, and CHAT_WEBHOOK, the address for messages.');
  process.exit(2);
}

const bobbin = await connectBobbin({
  connection: { address: process.env['TEMPORAL_ADDRESS'] ?? '127.0.0.1:7233' },
  namespace: process.env['TEMPORAL_NAMESPACE'] ?? 'default',
  taskQueue: process.env['BOBBIN_TASK_QUEUE'] ?? 'bobbin',
});
const thread = bobbin.threads.get(threadId);

const replies = createInterface({ input: process.stdin });
replies.on('line', (line) => {
  const [, answer, requestId] = /^(yes|no) (\S+)$/.exec(line.trim()) ?? [];
  if (requestId === undefined) return;
  thread.resolve({ requestId, decision: answer === 'yes' ? 'accept' : 'decline' }).then(
    () => post(`${answer} to ${requestId}: sent`),
    // Somebody else may have answered it, or its deadline may have passed.
    (error: unknown) => post(`${requestId}: ${error instanceof BobbinError ? error.message : 'failed'}`),
  );
});

for await (const event of thread.events()) {
  if ('request' in event) await post(await describe(event.request));
  if (event.type === 'serverRequest/resolved') await post(`${event.requestId}: ${event.decision}, by ${event.by}`);
}
replies.close();
await bobbin.close();

/** All that will run, and where: an event may contain only the beginning. */
async function describe(request: ThreadRequest): Promise<string> {
  const whole = await thread.wholeRequest(request);
  return `Thread ${threadId} asks:\n${quote(JSON.stringify(whole, null, 2))}\nReply "yes ${request.requestId}" or "no ${request.requestId}".`;
}

/** As code, in which a chat interprets nothing. A zero-width space keeps the text from ending the block. */
function quote(text: string): string {
  return `\`\`\`\n${text.replaceAll('```', '`\u200b`\u200b`')}\n\`\`\``;
}

async function post(text: string): Promise<void> {
  const body = JSON.stringify({ text });
  const response = await fetch(webhook, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  if (!response.ok) console.error(`The chat answered ${response.status} to: ${text}`);
}
