/**
 * Replays what was recorded of earlier releases through the workflows of today. What is already running must go on, so
 * every command has to be the same: type, input, options, summary. Results, and what one run carries over to the next, may
 * gain members. Any other change that is made on purpose is made behind `patched('name')`, which no recording has: the old
 * commands stay as they are for what was begun with them.
 *
 * Whoever patches, or adds a workflow, an activity or a message, records it: under the name of the patch, those scenarios of
 * `test/recordings` that it concerns. Nothing that was recorded before is ever recorded anew.
 *
 *   RECORD_AS=name-of-the-patch RECORD_HISTORIES=approvals npm run record:histories
 *
 * `RECORD_HISTORIES` is the beginning of the names of scenarios; left out, all are recorded.
 */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { History } from '@temporalio/common/lib/proto-utils.js';
import { beforeAll, describe, expect, it } from 'vitest';
import { coveredBy, wanted } from '../recordings/coverage.ts';
import { FAMILIES } from '../recordings/families.ts';
import { HISTORIES, readRecorded, recordedNames } from '../recordings/histories.ts';
import { record } from '../recordings/keep.ts';
import { replayAll } from '../recordings/replay.ts';
import { STORED } from '../recordings/stored.ts';
import { THREADS } from '../recordings/threads.ts';

type Event = NonNullable<History['events']>[number];

const EARLY = 'early/';
const CHANGED = /^(activity|timer) \d+\.(input|summary)/;
/**
 * Differences on purpose that need no patch, since Temporal compares none of them: a summary says how much it leaves out, a
 * request that travels to the thread above says where its step will run, and a command that nobody was asked about, or that
 * gets no network, says so.
 */
const MEANT = [
  /^activity \d+\.summary was "[^]*…", and is "[^]* \(\+[^]*\)"$/,
  /^activity \d+\.input\.0\.(unasked|offline) was left out, and is true$/,
  /^signal subThreadReport to \S+\.request\.(sandbox|workspace|escalated|network|justification|patch|arguments) was left out, /,
];
const SCENARIOS = { ...THREADS, ...FAMILIES };
const { RECORD_HISTORIES: asked, RECORD_AS: label } = process.env;
const isAsked = (name: string) => asked === '1' || (asked !== undefined && name.startsWith(asked));

describe.runIf(asked)('the histories of', () => {
  it.each(Object.entries(SCENARIOS).filter(([name]) => isAsked(name)))(
    '%s are recorded',
    async (name, scenario) => {
      if (label === undefined) throw new Error('RECORD_AS is needed: the release, or the patch, that is recorded');
      const to = { histories: join(HISTORIES, label, name), stored: join(STORED, label, name) };
      if (existsSync(to.histories))
        throw new Error(`${to.histories} is there already: what was recorded stays as it is`);
      await record(scenario, to);
    },
    180_000,
  );
});

describe('a recorded history', () => {
  const histories = new Map(recordedNames().map((name) => [name, readRecorded(name)]));
  let replays: Awaited<ReturnType<typeof replayAll>>;
  beforeAll(async () => {
    replays = await replayAll(histories);
  }, 180_000);

  it.each([...histories.keys()])('%s replays with the same commands', (name) => {
    const found = replays.get(name);
    // Of the time before whole commands were compared: inputs and summaries have changed since.
    const others = found?.filter((difference) => !MEANT.some((meant) => meant.test(difference)));
    expect(others?.filter((difference) => !name.startsWith(EARLY) || !CHANGED.test(difference))).toEqual([]);
  });

  it('is there for every workflow, activity, signal and update', () => {
    const covered = new Set([...histories.values()].flatMap(coveredBy));
    expect(wanted().filter((name) => !covered.has(name))).toEqual([]);
  });
});

describe('a replay that differs', () => {
  const other = { metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from('"another one"') };

  const changes: [what: string, name: string, RegExp, (event: Event) => void][] = [
    [
      'in the input of an activity',
      'approvals/thread-1.json',
      /^activity \d+\.input\.0 was "another one", and is \{"threadId"/,
      ({ activityTaskScheduledEventAttributes: activity }) => {
        if (activity?.input) activity.input.payloads = [other];
      },
    ],
    [
      'in its timeout',
      'approvals/thread-1.json',
      /^activity \d+\.heartbeatTimeout\.seconds was 4, and is 5$/,
      ({ activityTaskScheduledEventAttributes: activity }) => {
        if (activity) activity.heartbeatTimeout = { seconds: 4 as never, nanos: 0 };
      },
    ],
    [
      'in how often it is retried',
      'approvals/thread-1.json',
      /^activity \d+\.retryPolicy\.maximumAttempts was 7, and is (left out|\d)$/,
      ({ activityTaskScheduledEventAttributes: activity }) => {
        if (activity?.retryPolicy) activity.retryPolicy.maximumAttempts = 7;
      },
    ],
    [
      'in the summary of a step',
      'approvals/thread-1.json',
      /^activity \d+\.summary was "another one", and is "/,
      ({ activityTaskScheduledEventAttributes: activity, userMetadata }) => {
        if (activity && userMetadata) userMetadata.summary = other;
      },
    ],
    [
      'in the length of a timer',
      'deadline/thread-1.json',
      /^timer \d+\.startToFireTimeout\.seconds was 9, and is left out$/,
      ({ timerStartedEventAttributes: timer }) => {
        if (timer?.startToFireTimeout) timer.startToFireTimeout.seconds = 9 as never;
      },
    ],
    [
      'in the start argument of a child',
      'agents/parent-1.json',
      /^child thread\/\S+\.input\.0 was "another one"/,
      ({ startChildWorkflowExecutionInitiatedEventAttributes: child }) => {
        if (child?.input) child.input.payloads = [other];
      },
    ],
    [
      'in what a message says',
      'agents/child-1.json',
      /^signal subThreadReport to thread\/\S+\.input\.0 was "another one"/,
      ({ signalExternalWorkflowExecutionInitiatedEventAttributes: message }) => {
        if (message?.input) message.input.payloads = [other];
      },
    ],
    [
      'in what the next run continues from',
      'agents/parent-1.json',
      /^continue as new\.input\.0 was "another one"/,
      ({ workflowExecutionContinuedAsNewEventAttributes: next }) => {
        if (next?.input) next.input.payloads = [other];
      },
    ],
    [
      'in what an update answers',
      'stopping/thread-1.json',
      /^update \S+ ended\.success\.0 was "another one"/,
      ({ workflowExecutionUpdateCompletedEventAttributes: update }) => {
        if (update?.outcome?.success) update.outcome.success.payloads = [other];
      },
    ],
    [
      'in a search attribute',
      'approvals/thread-1.json',
      /^search attributes\.searchAttributes\.\w+ was "another one"/,
      ({ upsertWorkflowSearchAttributesEventAttributes: upsert }) => {
        for (const name of Object.keys(upsert?.searchAttributes?.indexedFields ?? {}))
          upsert!.searchAttributes!.indexedFields![name] = other;
      },
    ],
  ];
  let replays: Awaited<ReturnType<typeof replayAll>>;
  beforeAll(async () => {
    const changed = changes.map(([what, name, , change]): [string, History] => {
      const history = readRecorded(`first/${name}`);
      // Several are made of one recording, and a replay knows each by its run.
      history.events![0]!.workflowExecutionStartedEventAttributes!.originalExecutionRunId = randomUUID();
      history.events!.forEach(change);
      return [what, history];
    });
    replays = await replayAll(new Map(changed));
  }, 60_000);

  it.each(changes)('%s is told', (what, _name, sentence) => {
    expect(replays.get(what)).toContainEqual(expect.stringMatching(sentence));
  });
});
