import { Command, CommanderError } from 'commander';
import { describe, expect, it } from 'vitest';
import { addScheduleCommands } from './schedule-command.ts';
import { type TimingOptions, addTimingOptions, toTiming } from './schedule-options.ts';

function parse(...args: string[]): TimingOptions {
  const command = addTimingOptions(new Command('create').exitOverride().configureOutput({ writeErr: () => undefined }));
  command.parse(args, { from: 'user' });
  return command.opts<TimingOptions>();
}

function helpOf(name: string): string {
  let written = '';
  const program = new Command('bobbin').exitOverride().configureOutput({ writeOut: (text) => (written += text) });
  addScheduleCommands(program);
  expect(() => program.parse(['schedule', name, '--help'], { from: 'user' })).toThrow(CommanderError);
  return written;
}

describe('bobbin schedule', () => {
  it.each(['create', 'list', 'show', 'update', 'pause', 'resume', 'trigger', 'backfill', 'delete'])(
    'has help with an example for %s',
    (name) => {
      expect(helpOf(name)).toContain(`\n  bobbin schedule ${name}`);
    },
  );
});

describe('the options of a schedule', () => {
  it('say only what is named', () => {
    expect(toTiming(parse())).toEqual({});
    expect(toTiming(parse('--no-pause-on-failure', '--overlap', 'skip'))).toEqual({
      pauseOnFailure: false,
      overlap: 'SKIP',
    });
  });

  it('gather times of all three kinds', () => {
    const options = parse(
      ...['--cron', '0 3 * * *', '--cron', '@daily', '--every', '6h/30m', '--every', '1d', '--calendar', '{"hour": 3}'],
    );
    expect(toTiming(options)).toEqual({
      times: {
        cron: ['0 3 * * *', '@daily'],
        intervals: [
          { everyMs: 21_600_000, offsetMs: 1_800_000 },
          { everyMs: 86_400_000, offsetMs: 0 },
        ],
        calendars: [{ hour: 3 }],
      },
    });
  });

  it('take a limit away by the word none', () => {
    const none = ['timezone', 'jitter', 'start-at', 'end-at', 'catchup-window', 'remaining'];
    expect(toTiming(parse(...none.flatMap((name) => [`--${name}`, 'none'])))).toEqual({
      timezone: null,
      jitterMs: null,
      startAt: null,
      endAt: null,
      catchupWindowMs: null,
      remainingActions: null,
    });
  });

  it.each([
    [['--jitter', 'a bit'], '--jitter a bit: expected a duration'],
    [['--every', '6h/1h/2h'], '--every 6h/1h/2h: expected an interval and'],
    [['--end-at', '2041-01-01'], '--end-at 2041-01-01: expected a time with its zone'],
    [['--remaining', '-1'], '--remaining -1: expected a whole number'],
    [['--calendar', '{'], '--calendar { is not JSON'],
    [['--overlap', 'never'], 'Expected one of SKIP, BUFFER_ONE'],
  ])('refuse %j', (args, message) => {
    expect(() => toTiming(parse(...args))).toThrow(message);
  });
});
