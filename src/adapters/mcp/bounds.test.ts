import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Tool } from '@modelcontextprotocol/client';
import { createBoundedFetch } from './bounded-fetch.ts';
import type { McpServerConfig } from './config.ts';
import { createFloodGate } from './flood-gate.ts';
import { createLineReader } from './line-reader.ts';
import { toOffer } from './offered-tools.ts';

describe('lines', () => {
  it('are the same however they are cut into chunks', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' })), fc.array(fc.nat(9)), (texts, cuts) => {
        const lines = texts.map((text) => text.replaceAll(/\s/g, '')).filter((text) => text !== '');
        const all = Buffer.from(lines.map((line) => `${line}\r\n\n`).join(''));
        const seen: string[] = [];
        const reader = createLineReader(1_000_000, (line) => seen.push(line));
        let from = 0;
        for (const cut of [...cuts, all.length]) {
          expect(reader.push(all.subarray(from, from + cut))).toBe(true);
          from += cut;
        }
        expect(seen).toEqual(lines);
      }),
    );
  });

  it('end the reading once one is too long, with or without its end', () => {
    const reader = () => createLineReader(4, () => undefined);
    expect(reader().push(Buffer.from('1234\n1234'))).toBe(true);
    expect(reader().push(Buffer.from('12345'))).toBe(false);
    const slow = reader();
    expect([slow.push(Buffer.from('123')), slow.push(Buffer.from('45'))]).toEqual([true, false]);
  });
});

describe('the gate against floods', () => {
  it('lets a burst through, then what comes at a bearable pace', () => {
    let at = 0;
    const gate = createFloodGate(() => at);
    expect(gate.takeBytes(64 * 1024 * 1024)).toBe(true);
    expect(gate.takeBytes(1)).toBe(false);
    at += 1_001;
    expect(gate.takeBytes(8 * 1024 * 1024)).toBe(true);
    expect(gate.takeBytes(1024 * 1024)).toBe(false);
  });

  it('counts messages as well as bytes', () => {
    const gate = createFloodGate(() => 0);
    let taken = 0;
    while (gate.takeMessage()) taken++;
    expect(taken).toBe(16_384);
  });
});

describe('a stream of a server over HTTP', () => {
  it.each(['\n\n', '\r\n\r\n', '\r\r'])('may have many messages, with any ends of lines: %j', async (end) => {
    const message = `data: ${'x'.repeat(1024 * 1024)}${end}`;
    const server = createServer((_request, response) => {
      response.setHeader('content-type', 'text/event-stream');
      response.end(message.repeat(12));
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    try {
      const faults: string[] = [];
      const { port } = server.address() as AddressInfo;
      const response = await createBoundedFetch((reason) => faults.push(reason))(`http://127.0.0.1:${port}/`);
      expect((await response.text()).length).toBe(12 * message.length);
      expect(faults).toEqual([]);
    } finally {
      server.close();
    }
  });
});

describe('what a server offers', () => {
  const config = { name: 's', approval: 'writes', enabledTools: null, disabledTools: [] } as unknown as McpServerConfig;
  const tool = (name: string, more: Partial<Tool> = {}): Tool => ({ name, inputSchema: { type: 'object' }, ...more });

  it('is bounded in number, in names, in words and in schemas', () => {
    const huge = { type: 'object' as const, properties: { a: { description: 'x'.repeat(20_000) } } };
    const listed = [
      tool('n'.repeat(129)),
      tool(''),
      tool('schema', { inputSchema: huge }),
      tool('words', { description: 'x'.repeat(10_000) }),
      ...Array.from({ length: 200 }, (_, index) => tool(`t${index}`)),
    ];
    const { tools, leftOut } = toOffer(config, { tools: listed, problem: null });
    expect(tools).toHaveLength(128);
    expect(leftOut?.split('; ')).toEqual([
      expect.stringMatching(/^"n+" has a name of more than 128 characters$/),
      'tool 2 has no name',
      '"schema" has a schema of more than 20000 characters',
      '73 are more than the 128 that can be offered',
    ]);
    expect(tools[0]).toMatchObject({ tool: 'words', parameters: { type: 'object', properties: {} } });
    expect(tools[0]?.description).toHaveLength(4_000);
  });

  it('is without tools whose schema no endpoint takes, of which the first are named and the log has all', () => {
    const bad = ['x', [5], {}].map((required, n) =>
      tool(`bad${n}`, { inputSchema: { type: 'object', required } as never }),
    );
    const more = Array.from({ length: 4 }, (_, n) => tool(`more${n}`, { inputSchema: {} as never }));
    const offer = toOffer(config, { tools: [...bad, tool('good'), ...more], problem: null });
    expect(offer.tools.map((one) => one.tool)).toEqual(['good']);
    expect(offer.problems).toHaveLength(7);
    expect(offer.leftOut).toContain('"bad0" requires what is no list of names; "bad1" requires');
    expect(offer.leftOut).toMatch(/; and 2 more, which the worker's log names$/);
  });

  it('only reads where the server says so', () => {
    const listed = [
      tool('a'),
      tool('b', { annotations: { readOnlyHint: false } }),
      tool('c', { annotations: { readOnlyHint: true, destructiveHint: true } }),
    ];
    const { tools } = toOffer(config, { tools: listed, problem: null });
    expect(tools.map(({ readOnly }) => readOnly)).toEqual([false, false, true]);
  });
});
