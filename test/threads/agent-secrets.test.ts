/**
 * Whatever goes wrong, no private key, no signature and no bearer token may come to lie where others can read it. One busy
 * scenario over the real wire, with services that repeat what they were sent; then everything that was written anywhere is
 * searched for every spelling of every secret.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { StepProgress, ThreadHandle } from '../../src/client/index.ts';
import { type Account, keyFiles, openAccount } from '../parts/accounts.ts';
import { type RecordingProxy, type Sent, startRecordingProxy } from '../parts/recording-proxy.ts';
import {
  type TestEnvironment,
  eventsSoFar,
  openEnvironment,
  runTurn,
  turn,
  waitForEvent,
  workerLog,
} from '../environment.ts';

const TOKEN = 'human-token/with+signs=and-a-tail-0123456789';
const ECHO_EVERYTHING = ({ path, authorization, body }: Sent) =>
  JSON.stringify({ error: { code: 'agent_task_expired', message: `${path} got ${authorization} with ${body}` } });
const ECHO_PLAINLY = ({ authorization, body }: Sent) => `you sent ${authorization} and ${body}`;

const logged: string[] = [];
let environment: TestEnvironment;
let account: Account;
let identity: RecordingProxy;
let model: RecordingProxy;
/** All that was written where others can read it, by where. */
const written = new Map<string, string>();
const threads: ThreadHandle[] = [];

beforeAll(async () => {
  workerLog.take = (entry) => logged.push(inspect(entry, { depth: 10, breakLength: Infinity }));
  // A worker process has it in its environment, from where a command could print it.
  process.env['BOBBIN_IDENTITY_TOKEN'] = TOKEN;
  environment = await openEnvironment({ requireAssertion: true, worker: false });
  identity = await startRecordingProxy(environment.identity.url);
  model = await startRecordingProxy(environment.model.url);
  await environment.worker({
    BOBBIN_IDENTITY_URL: identity.url,
    BOBBIN_IDENTITY_ACCOUNTS: writeAccounts(),
    BOBBIN_OFFLINE_MODEL_URL: model.url,
    BOBBIN_HEARTBEAT_MS: '20',
  });
  account = openAccount(environment, environment.account);
  await liveThroughEverything();
  await collect();
});

afterAll(async () => {
  delete process.env['BOBBIN_IDENTITY_TOKEN'];
  workerLog.take = () => undefined;
  await environment.close();
  await identity.close();
  await model.close();
});

/** The token comes from a command that first writes it to both of its outputs and fails, then prints it as JSON. */
function writeAccounts(): string {
  const folder = join(environment.cwd, '..');
  const command = join(folder, 'print-token.sh');
  const runs = join(folder, 'token-runs');
  const script = [
    `echo run >> ${runs}`,
    `case $(wc -l < ${runs}) in`,
    `  1) echo "${TOKEN}"; echo "it is ${TOKEN}" >&2; exit 1 ;;`,
    `  *) echo '{"token": "${TOKEN}"}' ;;`,
    'esac',
  ];
  writeFileSync(command, `#!/bin/sh\n${script.join('\n')}\n`, { mode: 0o700 });
  const file = join(folder, 'accounts.json');
  writeFileSync(file, JSON.stringify({ accounts: { '*': { tokenCommand: [command] } } }));
  return file;
}

async function startThread(): Promise<ThreadHandle> {
  const thread = await account.start();
  threads.push(thread);
  return thread;
}

async function liveThroughEverything(): Promise<void> {
  // A registration of an identity that fails thrice, each time with the token in the answer, and then works.
  for (const status of [500, 401]) identity.answerNext('/v1/agent/register', status, ECHO_EVERYTHING);
  identity.answerNext('/v1/agent/register', 200, ECHO_PLAINLY);
  await environment.identity.control({ delayMs: 2_000 });
  const thread = await startThread();
  await vi.waitFor(() => expect(identity.sent.length).toBeGreaterThan(0), { timeout: 60_000, interval: 5 });
  await record(thread, 'while identity and task are registered');
  expect((await runTurn(thread, 'say: first')).status).toBe('completed');
  await environment.identity.control({ delayMs: 0 });

  // Registrations of a task that fail with the signature in the answer, in a turn.
  await environment.identity.control({ expireTasks: true });
  for (const status of [503, 400]) identity.answerNext('/task/register', status, ECHO_EVERYTHING);
  expect((await runTurn(thread, 'say: second')).status).toBe('failed');

  // Model endpoints that repeat the assertion: rejected, broken, refused.
  model.answerNext('/v1/responses', 401, ECHO_EVERYTHING);
  expect((await runTurn(thread, 'say: third')).status).toBe('completed');
  model.answerNext('/v1/responses', 500, ECHO_PLAINLY);
  expect((await runTurn(thread, 'say: fourth')).status).toBe('completed');
  model.answerNext('/v1/responses', 400, ECHO_PLAINLY);
  expect((await runTurn(thread, 'say: fifth')).status).toBe('failed');

  // An identity that was revoked, found out by one thread and stale for the other.
  const other = await startThread();
  await waitForEvent(other, 'agentTask/registered');
  await environment.identity.control({ revokeIdentities: true });
  expect((await runTurn(thread, 'say: sixth')).status).toBe('completed');
  expect((await runTurn(other, 'say: seventh')).status).toBe('completed');

  // An agent that looks for secrets, and steps that beat meanwhile.
  const keys = join(environment.data, 'keys');
  const looking = turn(
    // What `env` prints is last, since a heartbeat has the end of a long output.
    `run: cat ${keys}/*.json; grep -r . ${keys}; cat /proc/*/environ /proc/*/cmdline; cat ../accounts.json; env; until [ -e go ]; do sleep 0.02; done\nstream: 6000 10`,
  );
  await thread.submit(looking);
  await waitForEvent(thread, 'item/started', ({ item }) => item.type === 'commandExecution');
  await seen(thread, (step) => step.type === 'command' && step.output.includes('PATH='));
  await record(thread, 'while a command runs');
  writeFileSync(join(environment.cwd, 'go'), '');
  await seen(thread, (step) => step.type === 'model' && step.chars > 0);
  await record(thread, 'while the model streams');
  await thread.interrupt({ turnId: looking.turnId });
  expect((await thread.completion(looking.turnId)).status).toBe('aborted');
}

/** Until a running step shows that. */
async function seen(thread: ThreadHandle, fits: (step: StepProgress) => boolean): Promise<void> {
  const look = async () => expect((await thread.progress()).some(fits)).toBe(true);
  await vi.waitFor(look, { timeout: 60_000, interval: 20 });
}

/** What others see of a thread and of the account as things stand. */
async function record(thread: ThreadHandle, when: string): Promise<void> {
  const { client } = environment.bobbin.service;
  const about = [`view ${when}`, `pending activities ${when}`, `the account's workflow ${when}`] as const;
  written.set(about[0], texts(await thread.view()));
  written.set(about[1], texts((await client.workflow.getHandle(thread.workflowId).describe()).raw));
  written.set(about[2], texts((await account.entity().describe()).raw));
}

async function collect(): Promise<void> {
  for (const thread of threads) {
    const { threadId, workflowId } = thread;
    written.set(`events of ${threadId}`, texts(await eventsSoFar(thread)));
    written.set(`view of ${threadId}`, texts(await thread.view()));
    written.set(`history of ${threadId}`, await historyOf(workflowId));
  }
  written.set("history of the account's workflow", await historyOf(`agent-identity/${account.name}`));
  written.set('logs', logged.join('\n'));
}

async function historyOf(workflowId: string): Promise<string> {
  return texts(await environment.bobbin.service.client.workflow.getHandle(workflowId).fetchHistory());
}

/** Every string and every payload in a value, one per line, payloads as the text that they hold. */
function texts(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8');
  if (typeof value !== 'object' || value === null) return '';
  return Object.values(value).map(texts).join('\n');
}

/** Spellings by name of the secret. */
function secrets(): Map<string, string[]> {
  const found = new Map<string, string[]>([['bearer token', spellings(Buffer.from(TOKEN))]]);
  for (const { privateKeyPkcs8, agentRuntimeId } of keyFiles(environment)) {
    const der = Buffer.from(privateKeyPkcs8, 'base64');
    found.set(`key of ${agentRuntimeId}`, [...spellings(der), ...spellings(der.subarray(der.length - 32))]);
  }
  for (const { path, body, authorization } of [...identity.sent, ...model.sent]) {
    if (path.endsWith('/task/register')) addSignature(found, (JSON.parse(body) as { signature: string }).signature);
    const token = /^AgentAssertion (\S+)$/.exec(authorization)?.[1];
    if (token === undefined) continue;
    found.set(`assertion ${token}`, [token]);
    addSignature(found, (JSON.parse(Buffer.from(token, 'base64url').toString()) as { signature: string }).signature);
  }
  return found;
}

function addSignature(found: Map<string, string[]>, signature: string): void {
  found.set(`signature ${signature}`, spellings(Buffer.from(signature, 'base64')));
}

/** As text where it is text, and in the usual encodings, padding left out, as JSON and as a URL would hold them. */
function spellings(bytes: Buffer): string[] {
  const encodings = (['base64', 'base64url', 'hex'] as const).map((encoding) =>
    bytes.toString(encoding).replace(/=+$/, ''),
  );
  const plain = bytes.toString('utf8');
  const readable = plain.includes('\ufffd') ? [] : [plain, encodeURIComponent(plain)];
  return [...encodings, ...encodings.map(encodeURIComponent), ...readable];
}

describe('after all that', () => {
  it('every kind of secret was on the wire or on the disk, and everything was written that could hold one', () => {
    const names = [...secrets().keys()];
    expect(names.filter((name) => name.startsWith('key of')).length).toBeGreaterThanOrEqual(2);
    expect(names.filter((name) => name.startsWith('signature')).length).toBeGreaterThanOrEqual(12);
    expect(names.filter((name) => name.startsWith('assertion')).length).toBeGreaterThanOrEqual(5);
    expect(
      identity.sent.filter(({ authorization }) => authorization === `Bearer ${TOKEN}`).length,
    ).toBeGreaterThanOrEqual(4);
    for (const [where, text] of written) expect(text.length, where).toBeGreaterThan(100);
    expect(written.get('pending activities while identity and task are registered')).toContain('registerAgentTask');
    expect(written.get('pending activities while a command runs')).toContain('PATH=');
    expect(written.get('pending activities while the model streams')).toContain('"type":"model"');
    expect(written.get(`history of ${threads[0]!.threadId}`)).toContain('agent-task-');
    expect(written.get(`history of ${threads[0]!.threadId}`)).toContain('agent_task_expired');
    expect(written.get("history of the account's workflow")).toContain('agent-runtime-');
    expect(written.get('logs')).toContain('registerAgentTask');
  });

  it('what the services repeated was cut out of what they said, and what the token command wrote is not quoted', () => {
    const all = [...written.values()].join('\n');
    expect(all).toMatch(/print-token\.sh ended with exit code 1\. Its \d+ bytes of error output are not shown/);
    expect(all).toContain('got Bearer [removed]');
    expect(all).toMatch(/you sent \[redacted\]/);
  });

  it('no history, view, event, heartbeat or log line holds a secret', () => {
    const all = secrets();
    const leaks = [...written].flatMap(([where, text]) =>
      [...all].flatMap(([name, ways]) => ways.filter((way) => text.includes(way)).map(() => `${name} in ${where}`)),
    );
    expect(leaks).toEqual([]);
  });

  it('nowhere is there anything that looks like an assertion or a bearer token', () => {
    for (const [where, text] of written) {
      expect(text, where).not.toContain('AgentAssertion ');
      expect(text, where).not.toMatch(/Bearer (?!\[removed\])/);
    }
  });
});
