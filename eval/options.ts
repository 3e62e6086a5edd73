/** Reads the command line of `npm run eval`. */
import { parseArgs } from 'node:util';
import { EFFORTS } from '../src/contract/plain/model-options.ts';

export const USAGE = `npm run eval -- --model PROVIDER/NAME [options]

Lets a model do tasks in small repositories and review changes, and prints how well it did.

  --model NAME     provider/name as for BOBBIN_MODEL, with its key in the environment; offline for the
                   written solutions, which need no key
  --effort NAME    ${EFFORTS.join(', ')}

What runs (default: all tasks and the whole review set; with --model offline all tasks)
  --list           prints the names of tasks and reviews
  --task NAME      this task; can be repeated
  --review NAME    this review; can be repeated
  --tasks          all tasks
  --reviews        the whole review set; fetches packages from npm and PyPI
  --repeat N       every task and review so often (default 1)
  --spoilt         with --model offline: wrong solutions, which every check must refuse

How it runs
  --jobs N         so many in parallel (default 2)
  --max-usd N      begins no model call once the run has cost so much
  --judge NAME     a model that decides whether a finding names the fault; by default, the place decides
  --out FOLDER     folder for the folders of runs (default: next to the data folder of Bobbin)
  --resume [NAME]  continues the newest run, or the run of that name, where it was ended
  --keep           keeps the workspaces, to look at them

What is printed
  --json           the results as JSON
  --markdown       the table as Markdown
  --help           this text

Exit codes: 0 every task that ran passed, 1 a task did not pass, 2 wrong usage, 3 not everything ran,
130 interrupted. Reviews have no exit code: read recall and precision.
`;

export interface Options {
  model: string | null;
  effort: string | null;
  judge: string | null;
  list: boolean;
  help: boolean;
  tasks: string[] | 'all';
  reviews: string[] | 'all';
  repeat: number;
  spoilt: boolean;
  jobs: number;
  maxUsd: number | null;
  out: string | null;
  /** True: the newest run. */
  resume: string | true | null;
  keep: boolean;
  print: 'table' | 'json' | 'markdown';
}

/** The command line cannot be used; the message says why. */
export class UsageError extends Error {}

export function readOptions(args: readonly string[]): Options {
  const values = parse(withResumeValue(args));
  const number = (name: 'repeat' | 'jobs', most: number): number => {
    const value = Number(values[name]);
    if (!Number.isInteger(value) || value < 1 || value > most)
      throw new UsageError(`--${name} needs a whole number from 1 to ${most}.`);
    return value;
  };
  const model = values.model === undefined ? null : withProvider(values.model);
  const effort = values.effort ?? null;
  if (effort !== null && !(EFFORTS as readonly string[]).includes(effort))
    throw new UsageError(`--effort is one of ${EFFORTS.join(', ')}.`);
  const resume = values.resume === undefined ? null : values.resume === '' ? true : values.resume;
  if (model === null && resume === null && !values.list && !values.help)
    throw new UsageError('--model is needed, for example --model openai/gpt-5.6, or --model offline.');
  if (values.spoilt && model !== OFFLINE) throw new UsageError('--spoilt needs --model offline.');
  if (values.json && values.markdown) throw new UsageError('--json and --markdown exclude each other.');
  return {
    model,
    effort,
    judge: values.judge === undefined ? null : withProvider(values.judge),
    list: values.list,
    help: values.help,
    ...toSelection(values, model === OFFLINE),
    repeat: number('repeat', 100),
    spoilt: values.spoilt,
    jobs: number('jobs', 32),
    maxUsd: toUsd(values['max-usd']),
    out: values.out ?? null,
    resume,
    keep: values.keep,
    print: values.json ? 'json' : values.markdown ? 'markdown' : 'table',
  };
}

const OFFLINE = 'offline/bobbin-offline';

function withProvider(model: string): string {
  if (model === 'offline') return OFFLINE;
  if (!/^[^/\s]+\/\S+$/.test(model)) throw new UsageError(`A model is PROVIDER/NAME, not ${JSON.stringify(model)}.`);
  return model;
}

function parse(args: string[]) {
  const flag = { type: 'boolean', default: false } as const;
  const text = { type: 'string' } as const;
  try {
    return parseArgs({
      args,
      options: {
        ...{ model: text, effort: text, judge: text, out: text, resume: text, 'max-usd': text },
        ...{ list: flag, help: flag, tasks: flag, reviews: flag, spoilt: flag, keep: flag, json: flag, markdown: flag },
        task: { type: 'string', multiple: true, default: [] },
        review: { type: 'string', multiple: true, default: [] },
        repeat: { type: 'string', default: '1' },
        jobs: { type: 'string', default: '2' },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** The value of `--resume` may be left out. */
function withResumeValue(args: readonly string[]): string[] {
  return args.flatMap((arg, index) => {
    if (arg !== '--resume') return [arg];
    const next = args[index + 1];
    return next === undefined || next.startsWith('-') ? ['--resume='] : [arg];
  });
}

/** The offline model has no written answers for reviews. */
function toSelection(values: ReturnType<typeof parse>, offline: boolean): Pick<Options, 'tasks' | 'reviews'> {
  const { task, review, tasks, reviews } = values;
  const nothing = task.length === 0 && review.length === 0 && !tasks && !reviews;
  return { tasks: tasks || nothing ? 'all' : task, reviews: reviews || (nothing && !offline) ? 'all' : review };
}

function toUsd(text: string | undefined): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value)) throw new UsageError('--max-usd needs a number of dollars, above 0.');
  return value;
}
