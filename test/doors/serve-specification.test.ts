/**
 * `npm run test:api`: schemathesis sends requests made from the OpenAPI document, valid and not, to every address, and
 * compares each answer with the document.
 */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { type TestEnvironment, closeThread, openEnvironment, runTurn, waitForEvent } from '../environment.ts';
import { openAccount } from '../parts/accounts.ts';
import { type HttpStand, startHttpStand } from '../parts/http-server.ts';
import { preparePython } from '../parts/python.ts';
import { makeRepository } from '../parts/repositories.ts';
import type { Scope } from '../../src/interfaces/http/tokens.ts';

const run = promisify(execFile);
const REQUIREMENTS = join(import.meta.dirname, '../parts/schemathesis.txt');
/** Inputs for each address and phase. */
const EXAMPLES = process.env['SCHEMATHESIS_EXAMPLES'] ?? '20';
const CHECKS = [
  ...['not_a_server_error', 'status_code_conformance', 'content_type_conformance', 'response_headers_conformance'],
  ...['response_schema_conformance', 'unsupported_method', 'allow_header_conformance', 'ignored_auth'],
];
const TEN_MINUTES = 600_000;

describe.runIf(process.env['SCHEMATHESIS'] === '1')('the specification', () => {
  let environment: TestEnvironment;
  let stand: HttpStand;
  let folder: string;
  let interpreter: string;
  beforeAll(async () => {
    const python = await preparePython(REQUIREMENTS);
    if ('missing' in python) throw new Error(`test:api needs Python 3.10 with venv and PyPI: ${python.missing}`);
    interpreter = python.python;
    folder = mkdtempSync(join(tmpdir(), 'bobbin-specification-'));
    environment = await openEnvironment();
    stand = await startHttpStand(environment.bobbin);
  }, TEN_MINUTES);
  afterAll(async () => {
    await stand.close();
    await environment.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Rejects with the report if an answer differs from the document. @param parameters values of parts of the address */
  async function fuzz(scopes: readonly Scope[], parameters: Record<string, string>, filter: string[]): Promise<void> {
    const { secret } = await stand.tokens.add({ name: 'schemathesis', scopes, owner: null });
    const config = join(folder, 'schemathesis.toml');
    const lines = Object.entries(parameters).map(([name, value]) => `"path.${name}" = ${JSON.stringify(value)}`);
    writeFileSync(config, `[parameters]\n${lines.join('\n')}\n`);
    const args = [
      ...[
        '-m',
        'schemathesis.cli',
        '--config-file',
        config,
        'run',
        `${stand.url}/openapi.json`,
        '--header',
        `Authorization: Bearer ${secret}`,
      ],
      ...['--checks', CHECKS.join(','), '--phases', 'examples,coverage,fuzzing', '--max-examples', EXAMPLES],
      ...['--request-timeout', '60', '--workers', '1', '--no-color', '--seed', '1', '--suppress-health-check', 'all'],
      ...filter,
    ];
    const options = { cwd: folder, maxBuffer: 64 * 1024 * 1024, timeout: 2 * TEN_MINUTES };
    const { stdout } = await run(interpreter, args, options).catch((error: unknown) => {
      const { stdout: said = '', message } = error as { stdout?: string; message: string };
      throw new Error(said === '' ? message : said.slice(-20_000));
    });
    process.stdout.write(`${stdout.slice(stdout.lastIndexOf('= SUMMARY'))}\n`);
  }

  // The stream of a thread ends only if the thread is closed. A fuzzed command must not run, and no fuzzed answer may let one run.
  it(
    'is kept for ids that do not exist, or come from other requests',
    async () => {
      const filter = ['--exclude-path', '/v1/threads/{threadId}/events'];
      await fuzz(['read', 'drive'], {}, filter);
    },
    2 * TEN_MINUTES,
  );

  it(
    'is kept for a thread that is open',
    async () => {
      const thread = await environment.start();
      await runTurn(thread, 'say: hello');
      const filter = ['--include-path-regex', '^/v1/threads/', '--exclude-path-regex', '/(events|close)$'];
      await fuzz(['read', 'drive'], { threadId: thread.threadId }, filter);
    },
    2 * TEN_MINUTES,
  );

  it(
    'is kept for a thread that is closed, and its stream',
    async () => {
      const thread = await environment.start();
      await closeThread(thread);
      const filter = ['--include-path-regex', '^/v1/threads/', '--exclude-path-regex', '/resume$'];
      await fuzz(['read', 'drive'], { threadId: thread.threadId }, filter);
    },
    2 * TEN_MINUTES,
  );

  it(
    'is kept for a batch, a ledger, a schedule and an identity that exist',
    async () => {
      const repository = makeRepository(join(folder, 'reviewed'), { 'a.ts': '// TODO: x\n' });
      const batch = await environment.bobbin.batches.start({ targets: [{ repository }] });
      await batch.follow();
      const { targets } = await batch.record();
      const { targetId } = targets[0]!.row;
      const [finding] = (await environment.bobbin.ledgers.get(targetId).view()).findings;
      const scheduleId = `s-${randomUUID()}`;
      const once = { times: { cron: ['0 3 1 1 *'] }, paused: true, batch: { targets: [{ repository }] } };
      await environment.bobbin.schedules.create(scheduleId, once);
      const account = openAccount(environment);
      await waitForEvent(await account.start(), 'agentTask/registered');
      const ids = {
        batchId: batch.batchId,
        targetId,
        findingId: finding!.findingId,
        scheduleId,
        account: account.name,
      };
      const filter = [
        ...['--include-path-regex', '^/v1/(batches|ledgers|schedules|identities)'],
        // A schedule that is gone, or starts what was made up, shows nothing more.
        ...['--exclude-operation-id', 'deleteV1SchedulesScheduleId'],
        ...['--exclude-operation-id', 'putV1SchedulesScheduleId'],
      ];
      await fuzz(['admin'], ids, filter);
    },
    2 * TEN_MINUTES,
  );

  it(
    'is kept for requests and rules',
    async () => {
      const { threadId } = await environment.start();
      const filter = ['--include-path-regex', '/(requests|rules|repository-rules)'];
      await fuzz(['admin'], { threadId }, filter);
    },
    2 * TEN_MINUTES,
  );
});
