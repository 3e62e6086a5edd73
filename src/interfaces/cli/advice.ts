/** What to do about an error of the client, at a terminal. The library's messages have no commands in them. */
import type { BobbinErrorCode } from '../../client/index.ts';
import { asStarted } from './invocation.ts';
import { shellWord } from './text/shell-word.ts';

/** The purpose of a command and the command; `ID` is that of the thread. */
const COMMANDS: Partial<Record<BobbinErrorCode, [purpose: string, command: string]>> = {
  serviceUnavailable: ['to check this machine and its configuration', 'doctor'],
  workerUnavailable: ['to start a worker', 'worker'],
  threadNotFound: ['to list the threads', 'thread list'],
  threadAmbiguous: ['to list the threads', 'thread list'],
  threadClosed: ['to open it again', 'thread resume ID'],
  turnNotActive: ['to start a turn', "thread send ID '<text>'"],
  requestNotOpen: ['to list what waits for a person', 'requests'],
  batchNotFound: ['to list the batches', 'batch list'],
  ledgerNotFound: ['to list the ledgers', 'ledger list'],
  scheduleNotFound: ['to list the schedules', 'schedule list'],
};

const SENTENCES: Partial<Record<BobbinErrorCode, string>> = {
  namespaceNotFound: 'TEMPORAL_NAMESPACE or a Temporal profile names the namespace.',
  searchAttributeTaken: 'docs/operators.md says how an attribute is removed.',
  scheduleExists: 'With `--if-exists update`, the one that exists is changed.',
};

/** @param threadId of the thread that the command names. Undefined: nothing to add to the message. */
export function adviceFor(code: BobbinErrorCode, threadId = '<threadId>'): string | undefined {
  const [purpose, command] = COMMANDS[code] ?? [];
  if (command === undefined) return SENTENCES[code];
  return `${purpose}: ${asStarted(command.replace('ID', () => shellWord(threadId)))}`;
}
