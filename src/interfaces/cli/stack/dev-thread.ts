/** The thread that `bobbin dev` uses in a folder: its last one if that is open and its model can be used, else a new one. */
import { basename } from 'node:path';
import { type Bobbin, BobbinError, type NewThread, type ThreadHandle } from '../../../client/index.ts';
import type { StartThread, Workspace } from '../../../contract/index.ts';
import { sandboxOfThisMachine } from '../../../dev/checks/sandbox.ts';
import { readDevState, rememberThread } from '../../../dev/dev-state.ts';
import { offerInstall, type Person } from '../../../dev/sandbox-install.ts';
import { asStarted } from '../invocation.ts';
import { type Output, askPerson } from '../text/output.ts';
import { isHere, toKey } from './dev-workspace.ts';

export interface ChosenThread {
  thread: ThreadHandle;
  isNew: boolean;
}

interface Choice {
  /** A folder of this machine by its real path, or what the person has named. */
  workspace: Workspace;
  dataDirectory: string;
  output: Output;
  /** Of a new thread. */
  title: string | undefined;
  /** Whether the stack has what this model needs. */
  canUse(model: string): boolean;
}

export async function chooseThread(bobbin: Bobbin, choice: Choice): Promise<ChosenThread> {
  const { workspace, dataDirectory, output, title } = choice;
  const last = lastThread(choice);
  const model = last === undefined ? undefined : await modelOfOpen(bobbin, last);
  if (last !== undefined && model !== undefined && choice.canUse(model)) {
    rememberThread(dataDirectory, toKey(workspace), last);
    output.say(`Thread    ${last} (continued)`);
    return { thread: bobbin.threads.get(last), isNew: false };
  }
  const start: NewThread = { workspace, ...(title === undefined ? {} : { title }) };
  const settings = (await isHere(bobbin, workspace, dataDirectory)) ? await withoutSandbox(output) : {};
  const thread = await bobbin.threads.start({ ...start, ...settings });
  rememberThread(dataDirectory, toKey(workspace), thread.threadId);
  const why = model === undefined ? '' : `, since ${last ?? ''} uses ${model}, which cannot be used now`;
  output.say(`Thread    ${thread.threadId} (new${why})`);
  return { thread, isNew: true };
}

function lastThread({ workspace, dataDirectory }: Choice): string | undefined {
  const { threads, threadId: former } = readDevState(dataDirectory);
  const known = threads[toKey(workspace)];
  if (known !== undefined || workspace.cwd === undefined) return known;
  const name = basename(workspace.cwd).replace(/[^A-Za-z0-9._-]/g, '-');
  return former?.startsWith(`${name}-`) === true ? former : undefined;
}

/** Undefined for a thread that is closed, or that is not open yet: its host may be away. */
async function modelOfOpen(bobbin: Bobbin, threadId: string): Promise<string | undefined> {
  try {
    const { status, settings } = await bobbin.threads.get(threadId).view();
    return status === 'closed' || status === 'closing' ? undefined : settings.model;
  } catch (error) {
    if (error instanceof BobbinError && NO_MODEL.has(error.code)) return undefined;
    throw error;
  }
}

const NO_MODEL: ReadonlySet<string> = new Set(['threadNotFound', 'threadOpening', 'threadRefused']);

/** Without a sandbox, only commands that are known to only read run without approval. */
async function withoutSandbox(output: Output): Promise<Partial<StartThread>> {
  let sandbox = await sandboxOfThisMachine();
  if (!sandbox.available && (await offerInstall(onTerminal(output)))) sandbox = await sandboxOfThisMachine();
  if (sandbox.available) return {};
  output.say(
    `Sandbox   none (${sandbox.reason}): only commands that are known to only read run without approval. See \`${asStarted('doctor')}\`.`,
  );
  return { sandbox: 'danger-full-access', approvalPolicy: 'untrusted' };
}

/** Without a terminal the answer is no. */
function onTerminal(output: Output): Person {
  return {
    say: (text) => output.say(text),
    ask: askPerson,
  };
}
