import { expect, it } from 'vitest';
import { GRPC } from '../grpc.ts';
import type { Service } from '../service.ts';
import { readHistories } from './read-histories.ts';

const CONTINUED_AS_NEW = 6;
const COMPLETED = 2;
const never = new AbortController().signal;

interface Listed {
  workflowId: string;
  runId: string;
  status?: number;
}

const gone = Object.assign(new Error('not found'), { code: GRPC.NOT_FOUND, details: '', metadata: {} });

/**
 * @param histories pages of events, or an error, by `<workflow>/<run>`; the newest run is `<workflow>/`
 * @param pages of the list
 */
async function read(histories: Record<string, object[][] | Error>, pages: Listed[][], signal = never) {
  const page = <T>(of: readonly T[], token: Uint8Array = Uint8Array.of(0)) => {
    const [number = 0] = token;
    const more = number + 1 < of.length ? Uint8Array.of(number + 1) : new Uint8Array();
    return { one: of[number], nextPageToken: more };
  };
  const workflowService = {
    listWorkflowExecutions({ nextPageToken: token }: { nextPageToken?: Uint8Array }) {
      const { one = [], nextPageToken } = page(pages, token);
      const executions = one.map(({ workflowId, runId, status }) => ({
        ...{ execution: { workflowId, runId }, status, closeTime: status === undefined ? null : {} },
      }));
      return Promise.resolve({ executions, nextPageToken });
    },
    getWorkflowExecutionHistory(asked: {
      execution: { workflowId: string; runId?: string };
      nextPageToken?: Uint8Array;
    }) {
      const { workflowId, runId = '' } = asked.execution;
      const history = histories[`${workflowId}/${runId}`] ?? new Error(`${workflowId}/${runId} is not to be read`);
      if (history instanceof Error) return Promise.reject(history);
      const { one: events = [], nextPageToken } = page(history, asked.nextPageToken);
      return Promise.resolve({ history: { events }, nextPageToken });
    },
  };
  const service = {
    namespace: 'default',
    connection: { workflowService },
    within: (call: () => unknown) => call(),
  };
  const noted: string[] = [];
  await readHistories(service as unknown as Service, (text) => noted.push(text), signal);
  return noted.sort();
}

const told = (text: string) => ({ attributes: { input: { payloads: [{ data: Buffer.from(text) }] } } });

it('reads the newest run, also one that the list does not have yet, and those that ended otherwise', async () => {
  const pages = [
    [{ workflowId: 'long', runId: 'first', status: CONTINUED_AS_NEW }],
    [
      { workflowId: 'resumed', runId: 'closed', status: COMPLETED },
      { workflowId: 'resumed', runId: 'open' },
    ],
  ];
  const histories = {
    'long/': [[told('"carried over"')]],
    'resumed/': [[told('"open"')]],
    'resumed/closed': [[told('"closed"')]],
  };
  expect(await read(histories, pages)).toEqual(['"carried over"', '"closed"', '"open"']);
});

it('reads all pages and every payload, and letters that JSON has escaped', async () => {
  const history = [[told('"first"'), told('{"sha256":"\\u0061\\u0062c"}')], [told('"\\u last"')]];
  expect(await read({ 't/': history }, [[{ workflowId: 't', runId: 'r' }]])).toEqual(
    ['"first"', '{"sha256":"abc"}', '"\\u last"'].sort(),
  );
});

it('leaves out a thread that the service has forgotten meanwhile, and fails if one cannot be read', async () => {
  const pages = [['a', 'b'].map((workflowId) => ({ workflowId, runId: 'r' }))];
  expect(await read({ 'a/': gone, 'b/': [[told('"b"')]] }, pages)).toEqual(['"b"']);
  await expect(read({ 'a/': [[]] }, pages)).rejects.toThrow('b/ is not to be read');
});

it('ends when it is aborted', async () => {
  const pages = [[{ workflowId: 'a', runId: 'r' }]];
  await expect(read({ 'a/': [[]] }, pages, AbortSignal.abort())).rejects.toMatchObject({ name: 'AbortError' });
});
