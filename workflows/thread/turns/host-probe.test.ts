import { describe, expect, it } from 'vitest';
import { fromCarriedState, toCarryOver } from '../past/carry-over.ts';
import { type TestThread, exec, testThread } from '../testing/fixtures.ts';
import { toCurrentDetails } from '../view/current-details.ts';
import { toSearchValues } from '../view/search-values.ts';
import { toThreadView } from '../view/view.ts';

const BOUND = { host: 'build-1', hostGraceMs: 600_000, hostProbeMs: 10_000 };

function probes(thread: TestThread): number[] {
  return thread.actions('awaitTime').flatMap(({ about, at }) => (about.type === 'hostProbe' ? [at] : []));
}

/** The clock reaches the next question, and it is answered. */
function ask(thread: TestThread, isServed: boolean): void {
  const timer = thread.actions('awaitTime').find(({ about }) => about.type === 'hostProbe');
  if (timer === undefined) throw new Error('Nothing is going to be asked');
  thread.at = Math.max(thread.at, timer.at);
  thread.dispatch({ type: 'timeCame', id: timer.id, about: timer.about });
  expect(thread.input('lookForHost')).toEqual({ host: 'build-1' });
  thread.done('lookForHost', { isServed });
}

const phase = (thread: TestThread) => toThreadView(thread.state).activeTurn?.phase;

describe('a turn that waits for its host', () => {
  it('says for which host and since when, until a step of it is done', () => {
    const thread = testThread(BOUND);
    thread.submit('a');
    ask(thread, true);
    expect(phase(thread)).toMatchObject({ type: 'callingModel' });
    ask(thread, false);
    const since = thread.at;
    const waiting = { type: 'waitingForHost', host: 'build-1', since };
    expect(phase(thread)).toEqual(waiting);
    ask(thread, false);
    expect(phase(thread)).toEqual(waiting);
    expect(toSearchValues(thread.state).BobbinStatus).toBe('waitingForHost');
    expect(toCurrentDetails(thread.state)).toContain('waits for host `build-1`, away since 1970-01-01 00:00:');
    const next = testThread(BOUND);
    next.restart(fromCarriedState(toCarryOver(thread.state).carriedOver));
    expect(phase(next)).toEqual(waiting);
    thread.answer('back');
    expect(toThreadView(thread.state)).toMatchObject({ status: 'idle', activeTurn: null });
    thread.submit('b');
    expect(phase(thread)).toMatchObject({ type: 'callingModel' });
  });

  it('asks less and less often, and an answer that fails changes nothing', () => {
    const thread = testThread(BOUND);
    thread.submit('a');
    const pauses: number[] = [];
    for (let i = 0; i < 8; i++) {
      ask(thread, false);
      pauses.push((probes(thread)[0] ?? 0) - thread.at);
    }
    expect(pauses).toEqual([20_000, 40_000, 80_000, 160_000, 300_000, 300_000, 300_000, 300_000]);
    const [timer] = thread.actions('awaitTime');
    thread.dispatch({ type: 'timeCame', id: timer?.id ?? '', about: timer?.about ?? { type: 'budget' } });
    thread.end('lookForHost', { type: 'failed', failure: { code: 'internal', message: 'no', details: {} } });
    expect(phase(thread)).toMatchObject({ type: 'waitingForHost' });
  });

  it('can be stopped', () => {
    const thread = testThread(BOUND);
    thread.submit('a');
    ask(thread, false);
    const { id } = thread.step('callModel');
    thread.dispatch({ type: 'interruptRequested', interrupt: {} });
    expect(thread.stopping).toEqual([id]);
    thread.end('callModel', { type: 'aborted' }, id);
    expect(thread.completions('a')).toMatchObject([{ status: 'aborted', quiescent: true }]);
    expect(probes(thread)).toEqual([]);
  });
});

describe('nothing is asked', () => {
  it('while a turn waits for a person, or is over', () => {
    const thread = testThread({ ...BOUND, approvalPolicy: 'untrusted' });
    expect(probes(thread)).toEqual([]);
    thread.submit('a');
    expect(probes(thread)).toHaveLength(1);
    thread.answer(exec('rm x'));
    expect(toThreadView(thread.state).openRequests).toHaveLength(1);
    expect(probes(thread)).toEqual([]);
  });

  it('in a thread without a host, and in one that was opened on the only host', () => {
    for (const settings of [{}, { host: 'build-1', hostGraceMs: 600_000 }]) {
      const thread = testThread(settings);
      thread.submit('a');
      expect(thread.actions('awaitTime')).toEqual([]);
    }
  });
});
