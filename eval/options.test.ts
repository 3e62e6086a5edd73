import { describe, expect, it } from 'vitest';
import { UsageError, readOptions } from './options.ts';

describe('the options of an evaluation', () => {
  it('choose all tasks and reviews, and only the tasks for the offline model', () => {
    expect(readOptions(['--model', 'openai/gpt-5.6'])).toMatchObject({ tasks: 'all', reviews: 'all', maxUsd: null });
    expect(readOptions(['--model', 'offline'])).toMatchObject({
      model: 'offline/bobbin-offline',
      tasks: 'all',
      reviews: [],
    });
  });

  it('choose what is named and nothing else', () => {
    const options = readOptions(['--model', 'a/b', '--task', 'rename', '--task', 'bisect', '--max-usd', '1.5']);
    expect(options).toMatchObject({ tasks: ['rename', 'bisect'], reviews: [], maxUsd: 1.5 });
    expect(readOptions(['--model', 'a/b', '--reviews'])).toMatchObject({ tasks: [], reviews: 'all' });
  });

  it('continue the newest run if --resume names none', () => {
    expect(readOptions(['--resume'])).toMatchObject({ resume: true, model: null });
    expect(readOptions(['--resume', '--json'])).toMatchObject({ resume: true, print: 'json' });
    expect(readOptions(['--resume', 'a-run'])).toMatchObject({ resume: 'a-run' });
  });

  it.each([
    [[], '--model is needed'],
    [['--model', 'gpt'], 'PROVIDER/NAME'],
    [['--model', 'a/b', '--repeat', '0'], '--repeat'],
    [['--model', 'a/b', '--jobs', '1.5'], '--jobs'],
    [['--model', 'a/b', '--max-usd', '-1'], '--max-usd'],
    [['--model', 'a/b', '--effort', 'huge'], '--effort'],
    [['--model', 'a/b', '--spoilt'], '--spoilt'],
    [['--model', 'a/b', '--json', '--markdown'], 'exclude'],
    [['--model', 'a/b', '--nothing'], '--nothing'],
  ])('refuse %j', (args, says) => {
    expect(() => readOptions(args)).toThrow(UsageError);
    expect(() => readOptions(args)).toThrow(says);
  });
});
