import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Bobbin } from '../../client/index.ts';
import { interruptSignal, runCommand } from './command.ts';
import { EXIT } from './exit-codes.ts';
import { clean, drain } from './stack/host-commands.ts';
import { createOutput } from './text/output.ts';
import { submitAndWait } from './thread/submit-and-wait.ts';
import { watch } from './thread/commands.ts';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
/** Of vitest. */
const others = SIGNALS.map((name) => process.listeners(name));

beforeEach(() => {
  vi.spyOn(process.stdout, 'write').mockReturnValue(true);
});
afterEach(() => {
  vi.restoreAllMocks();
  for (const [index, name] of SIGNALS.entries())
    for (const listener of process.listeners(name).filter((one) => others[index]?.includes(one) !== true))
      process.off(name, listener);
});

const output = createOutput({ json: true });
const fake = (parts: object) => parts as Bobbin;
const ctrlC = () => void process.emit('SIGINT');

/** Its events end when the signal of their reader fires. */
function threadThat(onRead: () => void) {
  return {
    threadId: 'fix-it',
    view: () => Promise.resolve({ lastSeq: 0 }),
    submit: () => Promise.resolve(),
    // eslint-disable-next-line @typescript-eslint/require-await
    async *events(): AsyncGenerator<never> {
      onRead();
      yield* [];
    },
  };
}

describe('a command that is ended by Ctrl-C exits with 130', () => {
  it.each([undefined, true as const])('thread watch, tree: %s', async (tree) => {
    const watched = (onRead: () => void) => {
      const bobbin = fake({ threads: { get: () => threadThat(onRead) } });
      return watch(bobbin, output, 'fix-it', { after: 0, ...(tree === undefined ? {} : { tree }) });
    };
    expect(await watched(ctrlC)).toBe(EXIT.interrupted);
    expect(await watched(() => undefined)).toBe(EXIT.ok);
  });

  it.each(['serving', 'away'])('host drain, of a host that is %s', async (status) => {
    const all = { moved: [], busy: ['fix-it'], staying: [] };
    const hosts = {
      drain: () => Promise.resolve({ hostId: 'a', status }),
      leave: () => Promise.resolve({ ...all }),
      steps: () => {
        ctrlC();
        return Promise.resolve(0);
      },
    };
    expect(await drain(fake({ hosts }), output, 'a', { wait: 600 })).toBe(EXIT.interrupted);
  });

  it('host clean', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'bobbin-'));
    const folders = (onRead: () => void) => () => {
      onRead();
      return Promise.resolve({ serviceId: 's', inUse: () => Promise.resolve([]) });
    };
    const cleaned = (onRead: () => void) =>
      clean(fake({ threadFolders: folders(onRead) }), output, '', { closedFor: 30, dataDir });
    expect(await cleaned(ctrlC)).toBe(EXIT.interrupted);
    expect(await cleaned(() => undefined)).toBe(EXIT.ok);
  });

  it('thread send --wait, and with 4 if the thread was closed instead', async () => {
    const turn = { turnId: 't1', kind: 'regular' as const, input: [] };
    const sent = (onRead: () => void) => submitAndWait(fake({}), output, threadThat(onRead) as never, undefined, turn);
    expect(await sent(ctrlC)).toBe(EXIT.interrupted);
    expect(await sent(() => undefined)).toBe(EXIT.turnAborted);
  });

  it('and one whose wait the signal ends', async () => {
    const ended = process.exitCode;
    await runCommand({ json: true }, () => {
      const signal = interruptSignal();
      ctrlC();
      return Promise.reject(signal.reason as Error);
    });
    expect(process.exitCode).toBe(EXIT.interrupted);
    process.exitCode = ended;
  });
});
