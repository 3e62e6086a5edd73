/** A command in a real terminal: tmux, with a server of its own. */
import { execFile, execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { CLI } from './programs.ts';

const run = promisify(execFile);

export interface Terminal {
  /** What is on the screen and above it, as text. */
  screen(): Promise<string>;
  /** Types text as it is. */
  type(text: string): Promise<void>;
  /** Presses keys by their names in tmux, such as `Enter` or `C-c`. */
  press(...keys: string[]): Promise<void>;
  /** Pastes as a person does: with the marks of a paste, if the program has asked for them. */
  paste(text: string): Promise<void>;
  /** Sends bytes as they are. */
  bytes(...bytes: number[]): Promise<void>;
  resize(columns: number, rows: number): Promise<void>;
  /**
   * Resizes while the command is stopped, until it can see the new size. tmux tells a command of a size up to 250 ms after it has
   * broken the rows anew, and what is drawn in between cannot be erased.
   */
  resizeStopped(columns: number, rows: number): Promise<void>;
  /** The title of the window, which programs may set. */
  title(): Promise<string>;
  /** The process of the command. */
  pid(): Promise<number>;
  /** Resolves with the screen as soon as it fits. */
  until(fits: string | RegExp | ((screen: string) => boolean)): Promise<string>;
  close(): Promise<void>;
}

interface TerminalOptions {
  cwd: string;
  env: Record<string, string>;
  columns?: number;
  rows?: number;
}

/** Runs the `bobbin` command. After its end the terminal shows `exit code N` and stays. */
async function openTerminal(args: readonly string[], options: TerminalOptions): Promise<Terminal> {
  requireTmux();
  const { cwd, env, columns = 100, rows = 30 } = options;
  const server = `bobbin-${randomUUID()}`;
  const tmux = async (...words: string[]) => (await run('tmux', ['-L', server, '-f', '/dev/null', ...words])).stdout;
  const act = async (...words: string[]): Promise<void> => {
    await tmux(...words);
  };
  const program = ['node', CLI, ...args].map(quoted).join(' ');
  const settings = Object.entries({ ...env, TERM: 'tmux-256color' }).flatMap(([name, value]) => [
    '-e',
    `${name}=${value}`,
  ]);
  await tmux(
    ...['new-session', '-d', '-s', 'chat', '-x', String(columns), '-y', String(rows), '-c', cwd, ...settings],
    `${program}; echo "exit code $?"; exec cat`,
  );
  await tmux('set-option', '-g', 'history-limit', '20000');
  const resize = (width: number, height: number) =>
    act('resize-window', '-t', 'chat', '-x', String(width), '-y', String(height));
  const pid = async (): Promise<number> => {
    const shell = (await tmux('display-message', '-p', '-t', 'chat', '#{pane_pid}')).trim();
    return Number((await run('pgrep', ['-P', shell])).stdout.trim());
  };
  const screen = () => tmux('capture-pane', '-p', '-J', '-S', '-', '-t', 'chat');
  return {
    screen,
    type: (text) => act('send-keys', '-t', 'chat', '-l', text),
    press: (...keys) => act('send-keys', '-t', 'chat', ...keys),
    async paste(text) {
      const child = run('tmux', ['-L', server, 'load-buffer', '-']);
      child.child.stdin?.end(text);
      await child;
      await tmux('paste-buffer', '-p', '-t', 'chat');
    },
    bytes: (...bytes) => act('send-keys', '-t', 'chat', '-H', ...bytes.map((byte) => byte.toString(16))),
    title: () => tmux('display-message', '-p', '-t', 'chat', '#{pane_title}'),
    pid,
    resize,
    async resizeStopped(width, height) {
      const command = await pid();
      const tty = (await tmux('display-message', '-p', '-t', 'chat', '#{pane_tty}')).trim();
      process.kill(command, 'SIGSTOP');
      try {
        await resize(width, height);
        const size = async () => (await run('stty', ['-F', tty, 'size'])).stdout.trim();
        const until = Date.now() + DEADLINE_MS;
        while ((await size()) !== `${height} ${width}`) {
          if (Date.now() > until) throw new Error(`${tty} never became ${width} columns wide.`);
          await delay(LOOK_MS);
        }
      } finally {
        process.kill(command, 'SIGCONT');
      }
    },
    async until(fits) {
      const matches =
        typeof fits === 'function'
          ? fits
          : (text: string) => (typeof fits === 'string' ? text.includes(fits) : fits.test(text));
      const until = Date.now() + DEADLINE_MS;
      for (;;) {
        const text = await screen();
        if (matches(text)) return text;
        if (Date.now() > until) throw new Error(`The screen never showed ${String(fits)}. It shows:\n${text}`);
        await delay(LOOK_MS);
      }
    },
    close: () => act('kill-server').catch(() => undefined),
  };
}

const DEADLINE_MS = 60_000;
const LOOK_MS = 100;

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

function requireTmux(): void {
  try {
    execFileSync('tmux', ['-V']);
  } catch {
    throw new Error('The tests of the chat need tmux: apt-get install tmux.');
  }
}

/** The terminals of a test file, closed together. */
export function createTerminals() {
  const open: Terminal[] = [];
  return {
    async open(args: readonly string[], options: TerminalOptions): Promise<Terminal> {
      const terminal = await openTerminal(args, options);
      open.push(terminal);
      return terminal;
    },
    async closeAll(): Promise<void> {
      for (const terminal of open.splice(0)) await terminal.close();
    },
  };
}

/** Leaves a chat. Two presses at the end: the first of them counts as the second one only for a moment after the first. */
export async function pressInterruptTwice(terminal: Terminal): Promise<void> {
  await terminal.press('C-c');
  await terminal.until('Ctrl-C again leaves');
  await terminal.press('C-c', 'C-c');
}

/** Enters a line. Enter is a key of its own, so the text must have arrived. */
export async function say(terminal: Terminal, text: string): Promise<void> {
  await terminal.type(text);
  await terminal.until(`› ${text}`);
  await terminal.press('Enter');
}
