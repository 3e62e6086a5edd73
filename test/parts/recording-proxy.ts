/** Stands between a worker and a service, keeps all it is sent, and can answer in the service's place. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Sent {
  path: string;
  authorization: string;
  body: string;
}

export interface RecordingProxy {
  url: string;
  sent: readonly Sent[];
  /** Answers the next request of that path itself: the body comes from what was sent. */
  answerNext(path: string, status: number, body: (sent: Sent) => string): void;
  close(): Promise<void>;
}

export async function startRecordingProxy(target: string): Promise<RecordingProxy> {
  const sent: Sent[] = [];
  let planned: { path: string; status: number; body: (sent: Sent) => string }[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const body = Buffer.concat(chunks).toString();
      const { authorization = '' } = request.headers;
      const seen = { path: request.url ?? '/', authorization, body };
      sent.push(seen);
      const answer = planned.find(({ path }) => seen.path.includes(path));
      if (answer !== undefined) {
        planned = planned.filter((one) => one !== answer);
        response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body(seen));
        return;
      }
      const forwarded = await fetch(`${target}${seen.path}`, {
        method: request.method ?? 'GET',
        headers: { 'content-type': 'application/json', ...(authorization === '' ? {} : { authorization }) },
        ...(body === '' ? {} : { body }),
      });
      response.writeHead(forwarded.status, { 'content-type': forwarded.headers.get('content-type') ?? '' });
      for await (const chunk of forwarded.body ?? []) response.write(chunk);
      response.end();
    })().catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sent,
    answerNext: (path, status, body) => planned.push({ path, status, body }),
    close: () => new Promise((resolve) => server.close(() => resolve()).closeAllConnections()),
  };
}
