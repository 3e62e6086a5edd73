/** Follows a thread on the terminal: events from the query `events`, partial text from the running steps. */
import type { StepProgress, ThreadHandle } from '../../../client/index.ts';
import type { ThreadEvent, TurnCompletion } from '../../../contract/index.ts';
import type { Output } from '../text/output.ts';
import { renderEvent } from '../text/render.ts';

/** Interval at which the text of a running step is read, in milliseconds. */
const LIVE_EVERY_MS = 150;

export interface WatchOptions {
  after: number;
  signal: AbortSignal;
  /** Ends the watch with this turn's terminal event. */
  untilTurn?: string;
}

/** Resolves with the completion of `untilTurn`, or with undefined when the thread closed or the signal fired. */
export async function watchThread(
  thread: ThreadHandle,
  output: Output,
  options: WatchOptions,
): Promise<TurnCompletion | undefined> {
  const live = output.live ? followLiveText(thread, output) : undefined;
  try {
    for await (const event of thread.events({ after: options.after, signal: options.signal })) {
      await show(await whole(thread, event), thread.threadId, output, live);
      if (event.type === 'turn/completed' && event.turn.turnId === options.untilTurn) return event.turn;
    }
    return undefined;
  } finally {
    live?.stop();
  }
}

/** A person who decides must see all of a request. If its item is gone, the request itself says that it is cut. */
async function whole(thread: ThreadHandle, event: ThreadEvent): Promise<ThreadEvent> {
  if (!('request' in event)) return event;
  return { ...event, request: await thread.wholeRequest(event.request).catch(() => event.request) };
}

async function show(event: ThreadEvent, threadId: string, output: Output, live: LiveText | undefined): Promise<void> {
  if (event.type === 'turn/started') live?.start();
  if (event.type === 'turn/completed') live?.stop();
  if (event.type === 'item/completed' && event.item.type === 'agentMessage' && live !== undefined) {
    await live.finish(event.item.text);
    return;
  }
  output.event(event, renderEvent(event, threadId));
}

interface LiveText {
  start(): void;
  stop(): void;
  /** Prints the rest of a finished message. */
  finish(text: string): Promise<void>;
}

function followLiveText(thread: ThreadHandle, output: Output): LiveText {
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> = Promise.resolve();
  let printed = 0;

  const look = async (): Promise<void> => {
    const steps = await thread.progress().catch((): StepProgress[] => []);
    const model = steps.find((step): step is Extract<StepProgress, { type: 'model' }> => step.type === 'model');
    if (model === undefined || model.chars <= printed) return;
    const fresh = model.text.slice(-(model.chars - printed));
    output.write(printed === 0 ? `\n${fresh}` : fresh);
    printed = model.chars;
  };
  const stop = () => {
    clearInterval(timer);
    timer = undefined;
  };
  return {
    start() {
      timer ??= setInterval(() => {
        looking = looking.then(look);
      }, LIVE_EVERY_MS);
    },
    stop,
    async finish(text) {
      await looking;
      output.write(`${printed === 0 ? '\n' : ''}${text.slice(printed)}\n`);
      printed = 0;
    },
  };
}
