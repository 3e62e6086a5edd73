/** A command that is looked at while it runs, and what it has written since somebody looked at it last. */
import { StringDecoder } from 'node:string_decoder';
import type { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { CommandReport, Poll } from '../../../../activities/ports.ts';
import type { SessionIo, StartedCommand } from '../command-runner.ts';
import { createOutputWindow } from '../output/output-window.ts';

export interface Session {
  io: SessionIo;
  /**
   * Sends the input and waits. Undefined if the command ends before the time is up, or another look begins, or nobody is there
   * any longer to take what it has written. A repeated look is answered as the first one was.
   */
  look(poll: Poll, ended: Promise<unknown>, isThere: () => boolean): Promise<CommandReport | undefined>;
  /** Takes the output that no look has returned. */
  unread(): string;
}

/** Why a look has no report. */
type Left = 'left' | 'ended';

const INTERRUPT = '\u0003';
/** Of one look: some programs ask for a second one, and each looks at every process of the machine. */
const MAX_INTERRUPTS = 3;
/** Bytes that wait for a command that reads nothing; its terminal takes a few thousand more. */
const MAX_UNREAD_BYTES = 64 * 1024;

export function createSession(maxOutputBytes: number): Session {
  const startedAt = performance.now();
  // Characters are kept whole, also if a look comes between two halves.
  const decoder = new StringDecoder('utf8');
  let window = createOutputWindow(maxOutputBytes);
  let last:
    { id: string; over: AbortController; isThere: () => boolean; report: Promise<CommandReport | Left> } | undefined;
  // A sandbox that could not be made is tried again: the last one counts.
  let command: StartedCommand | undefined;
  let isStarted: () => void;
  const started = new Promise<void>((resolve) => (isStarted = resolve));

  const take = (): { output: string; outputBytes: number; truncated: boolean } => {
    const { bytes: outputBytes } = window;
    const text = window.text();
    window = createOutputWindow(maxOutputBytes);
    return { ...text, outputBytes };
  };
  const send = async (chars: string): Promise<void> => {
    await started;
    if (command?.keyboard !== undefined) type(command.keyboard, chars);
    else await interrupt(chars.split(INTERRUPT).length - 1);
  };
  const interrupt = async (times: number): Promise<void> => {
    for (let sent = 0; sent < Math.min(times, MAX_INTERRUPTS); sent += 1) await command?.interrupt();
  };
  const type = (keyboard: Writable, chars: string): void => {
    if (keyboard.writableLength + Buffer.byteLength(chars) <= MAX_UNREAD_BYTES) keyboard.write(chars);
    else window.push(Buffer.from('\n[not sent: the command has not read what was sent before]\n'));
  };
  const lookOnce = async (
    { chars, yieldMs, maxOutputBytes: most }: Poll,
    ended: Promise<unknown>,
    { signal }: AbortController,
  ): Promise<CommandReport | Left> => {
    const isOver = ended.then(() => true);
    // It may end before it has started.
    if (chars !== '') await Promise.race([send(chars), isOver]);
    const isLate = delay(yieldMs, false, { signal }).catch(() => true);
    if (await Promise.race([isOver, isLate])) return 'ended';
    return report(most);
  };
  const report = (most: number): CommandReport | Left => {
    if (last?.isThere() !== true) return 'left';
    const durationMs = Math.round(performance.now() - startedAt);
    return boundedTo(most, { outcome: 'yielded', exitCode: null, ...take(), durationMs, gone: false });
  };

  return {
    io: {
      onStart(latest) {
        command = latest;
        isStarted();
      },
      onChunk: (chunk) => window.push(Buffer.from(decoder.write(chunk))),
    },
    async look(poll, ended, isThere) {
      if (last?.id === poll.id) {
        const before = last.isThere;
        last.isThere = () => before() || isThere();
        // Its time is up.
        last.report = last.report.then((known) => (known === 'left' ? report(poll.maxOutputBytes) : known));
      } else {
        // Nobody waits for the one before it any longer: what it would take belongs to this one.
        last?.over.abort();
        const over = new AbortController();
        void ended.then(() => over.abort());
        last = { id: poll.id, over, isThere, report: lookOnce(poll, ended, over) };
      }
      const found = await last.report;
      return typeof found === 'string' ? undefined : found;
    },
    unread: () => take().output,
  };
}

/** A report with at most that many bytes of its output. */
export function boundedTo(maxBytes: number, report: CommandReport): CommandReport {
  if (Buffer.byteLength(report.output) <= maxBytes) return report;
  const window = createOutputWindow(maxBytes);
  window.push(Buffer.from(report.output));
  return { ...report, output: window.text().output, truncated: true };
}
