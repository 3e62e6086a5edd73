/** `bobbin thread queue`: lists and changes the queued turns. */
import { BobbinError } from '../../../client/bobbin-error.ts';
import type { Bobbin } from '../../../client/index.ts';
import type { EditQueue, Overrides, QueuedTurnView, SandboxMode } from '../../../contract/index.ts';
import { EXIT } from '../exit-codes.ts';
import { toInput } from '../image-files.ts';
import { type ModelFlags, modelFlagsOf } from '../model-options.ts';
import type { Output } from '../text/output.ts';
import { type Part, beginning, line } from '../text/terminal-text.ts';

export interface QueueOptions extends ModelFlags {
  edit?: string;
  image?: string[];
  sandbox?: SandboxMode;
  move?: string;
  before?: string;
  drop?: string;
  reason?: string;
  /** The arguments after the thread id. */
  args: string[];
}

/** Prints the queue after the change, if there is one. */
export async function queue(bobbin: Bobbin, output: Output, threadId: string, options: QueueOptions): Promise<number> {
  const thread = bobbin.threads.get(threadId);
  const edit = await toEdit(bobbin, options);
  if (edit !== null) await thread.editQueue(edit);
  const { queuedTurns } = await thread.view();
  output.result(queuedTurns, queuedTurns.length > 0 ? queuedTurns.map(describe) : ['no turns are queued']);
  return EXIT.ok;
}

async function toEdit(bobbin: Bobbin, options: QueueOptions): Promise<EditQueue | null> {
  const { edit, move, drop } = options;
  const named = [edit, move, drop].filter((turnId) => turnId !== undefined).length;
  if (named > 1) throw new BobbinError('invalid', 'Use only one of --edit, --move and --drop');
  if (named === 0 && options.args.length > 0) throw new BobbinError('invalid', 'A text needs --edit TURN');
  if (options.image !== undefined && edit === undefined) throw new BobbinError('invalid', '--image needs --edit TURN');
  if (edit !== undefined) return toEditOf(bobbin, edit, options);
  if (drop !== undefined)
    return { op: 'drop', turnId: drop, ...(options.reason === undefined ? {} : { reason: options.reason }) };
  if (move === undefined) return null;
  if (options.before === undefined) throw new BobbinError('invalid', '--move needs --before TURN, or --before end');
  return { op: 'move', turnId: move, ...(options.before === 'end' ? {} : { before: options.before }) };
}

async function toEditOf(bobbin: Bobbin, turnId: string, options: QueueOptions): Promise<EditQueue> {
  const [text] = options.args;
  const { sandbox, image = [] } = options;
  const overrides: Overrides = {
    ...modelFlagsOf(options),
    ...(sandbox === undefined ? {} : { sandbox }),
  };
  return {
    op: 'edit',
    turnId,
    ...(text === undefined && image.length === 0 ? {} : { input: await toInput(bobbin, text, image) }),
    ...(Object.keys(overrides).length === 0 ? {} : { overrides }),
  };
}

function describe({ turnId, kind, text, chars, overrides }: QueuedTurnView): Part {
  const settings = Object.entries(overrides).map(
    ([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  const more = settings.length > 0 ? `  (${settings.join(', ')})` : '';
  const cut = chars > text.length ? ` (of ${chars} characters)` : '';
  return line`${turnId}  ${kind}  ${beginning(text)}${cut}${more}`;
}
