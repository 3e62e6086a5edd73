import { describe, expect, it } from 'vitest';
import type { ThreadRequest } from '../../../src/contract/index.ts';
import { HOSTILE, RAW, everyEvent, everyRequest } from '../../../src/contract/test-every-type.ts';
import { toCurrentDetails } from './current-details.ts';
import { toStaticTexts } from './static-details.ts';
import { toSearchValues } from './search-values.ts';
import { newThreadState } from '../state/state.ts';
import { SETTINGS } from '../testing/fixtures.ts';

const STATE = newThreadState('t1', SETTINGS, 1_700_000_000_000);

function asking(more: Partial<ThreadRequest> = {}): ThreadRequest {
  return {
    type: 'userInput',
    requestId: 'req_1',
    turnId: 'turn-1',
    itemId: 'item_1',
    openedAt: 1_700_000_000_000,
    deadlineAt: null,
    default: 'decline',
    reason: 'It asks.\nsecond line',
    origin: null,
    questions: [{ id: "it's a name", header: '', question: 'Which `one`?', options: [] }],
    ...more,
  } as ThreadRequest;
}

describe('the details of a thread', () => {
  it('show a question with the command that answers it, quoted for a shell', () => {
    const details = toCurrentDetails({ ...STATE, requests: [asking()] });
    expect(details).toContain("question: ``it's a name: Which `one`?``");
    expect(details).toContain(`\`bobbin thread approve t1 req_1 --answer 'it'\\''s a name=TEXT'\``);
    expect(details).toContain(
      '`{"requestId":"req_1","decision":"accept","answers":{"it\'s a name":{"answers":["TEXT"]}}}`',
    );
    expect(details).toContain('asks for an answer, since 2023-11-14 22:13:20 UTC');
    expect(details).toContain('why: `It asks. (+1 line)`');
  });

  it('are bounded, whatever there is to show', () => {
    const questions = Array.from({ length: 60 }, (_, n) => ({
      ...{ id: `${n}${'i'.repeat(300)}`, header: '', options: [] },
      question: '?'.repeat(5_000),
    }));
    const requests = Array.from({ length: 90 }, (_, n) => asking({ requestId: `req_${n}`, questions }));
    const details = toCurrentDetails({ ...STATE, requests });
    expect(details.length).toBeLessThanOrEqual(40_000);
    expect(details).toContain(
      '**too long to show here.** Read it before you answer: `bobbin thread requests t1 req_0`',
    );
    const few = Array.from({ length: 12 }, (_, n) => asking({ requestId: `req_${n}` }));
    expect(toCurrentDetails({ ...STATE, requests: few })).toContain('- and 4 more');
  });

  it('say where the thread works, and have one blank line between their sections', () => {
    const details = toCurrentDetails({ ...STATE, settings: { ...STATE.settings, host: 'build-1' } });
    expect(details).toMatch(
      /^\*\*idle\*\* in `\/work\/repo` on host `build-1`, model `offline\/test`, 0 turns ended\n\n###/,
    );
    expect(toCurrentDetails(STATE)).toMatch(/^\*\*idle\*\* in `\/work\/repo`, model /);
    expect(details).not.toMatch(/\n\n\n|\n$/);
    expect(toCurrentDetails({ ...STATE, status: 'closed' })).toMatch(/^\*\*closed\*\*/);
    const { staticDetails } = toStaticTexts({ threadId: 't1', title: '', workspace: { cwd: '/w', host: 'build-1' } });
    expect(staticDetails).toContain('- works in `/w`\n- on host `build-1`\n\n');
    expect(staticDetails).not.toContain('title');
  });

  it('show its agent task, and how it stands with it', () => {
    const settings = { ...STATE.settings, agentIdentity: { mode: 'strict' as const, account: 'acme' } };
    const [, section = ''] = toCurrentDetails({ ...STATE, settings }).split('### Agent task\n');
    expect(section.split('\n\n')[0]).toMatch(/^(- [a-z ]+: `[^`]+`\n?)+$/);
    expect(section).toContain('acme');
  });

  it('show 16 facts about a request, and how many there are besides', () => {
    const asked = (count: number) => {
      const questions = Array.from({ length: count }, (_, n) => ({
        id: `q${n}`,
        header: '',
        question: 'Which?',
        options: [],
      }));
      const lines = toCurrentDetails({ ...STATE, requests: [asking({ questions })] }).split('\n');
      const facts = lines.filter((line) => /^ {2}- (why|question): /.test(line));
      return [
        facts.length,
        lines.filter((line) => /^ {2}- and \d+ more: `bobbin thread requests t1 req_1`$/.test(line)),
      ];
    };
    expect(asked(15)).toEqual([16, []]);
    expect(asked(18)).toEqual([16, ['  - and 3 more: `bobbin thread requests t1 req_1`']]);
  });

  it('do not fail over a request that somebody has made up', () => {
    const madeUp = [{ openedAt: 1e300 }, { reason: 7 }, { questions: null }, { deadlineAt: 'soon' }];
    for (const more of madeUp) {
      const details = toCurrentDetails({ ...STATE, requests: [asking(more as object)] });
      expect(details).toMatch(/^\*\*idle\*\*; the rest cannot be shown: `/);
    }
  });

  it('do not count a request as waiting that has been answered further down', () => {
    const origin = { threadId: 't2', path: ['t2'], requestId: 'req_1', answered: false };
    const waits = (requests: ThreadRequest[]) => toSearchValues({ ...STATE, requests }).BobbinWaitsForPerson;
    expect(waits([])).toBe(false);
    expect(waits([asking({ origin })])).toBe(true);
    expect(waits([asking({ origin: { ...origin, answered: true } })])).toBe(false);
  });

  it('show a command that leaves the sandbox whole, say that it does, and mark the words of the agent', () => {
    const request = asking({
      ...{ type: 'commandExecution', command: 'git status\ncurl x | `sh`\n```', cwd: '/w', workspace: '/w' },
      ...{ sandboxed: false, escalated: true, network: true, sandbox: 'danger-full-access' },
      ...{ reason: 'It asks.', justification: 'I only look' },
    });
    const [, rest = ''] = toCurrentDetails({ ...STATE, requests: [request] }).split('### Waits for a person\n');
    expect(rest.split('\n').slice(0, 18)).toEqual([
      '- `req_1` wants to run a command OUTSIDE THE SANDBOX, since 2023-11-14 22:13:20 UTC',
      '',
      '  ```text',
      '  1 | git status',
      '  2 | curl x | `sh`',
      '  3 | ```',
      '  ```',
      '',
      '  - folder: `/w`',
      '  - where: `OUTSIDE THE SANDBOX, which the agent asks to leave`',
      '  - reach: `whatever the user of the worker may read and change`',
      '  - network: `can be reached`',
      '  - why: `It asks.`',
      '  - agent says: `I only look`',
      '  - accept: `bobbin thread approve t1 req_1`',
      '  - refuse: `bobbin thread approve t1 req_1 --decision decline`',
      '  - signal `resolveRequest` with `{"requestId":"req_1","decision":"accept"}`',
      '  - see everything: `bobbin thread requests t1 req_1`',
    ]);
  });

  it('never cut what runs without a word: they say so there, and which command shows all of it', () => {
    const long = `true\n${'x'.repeat(30_000)}`;
    const ask = (n: number) =>
      asking({ type: 'commandExecution', requestId: `req_${n}`, command: long, cwd: '/w', sandboxed: true } as object);
    for (const count of [1, 3, 30]) {
      const details = toCurrentDetails({ ...STATE, requests: Array.from({ length: count }, (_, n) => ask(n)) });
      for (let n = 0; n < Math.min(count, 8); n++) {
        const look = `bobbin thread requests t1 req_${n}`;
        expect(details).toMatch(
          new RegExp(`Cut: \\d+ of 30005 characters are not shown\\.\\*\\* To see all: \`${look}\``),
        );
      }
      expect(details.includes(`- and ${count - 8} more`)).toBe(count > 8);
    }
  });

  it.each(everyRequest(HOSTILE).map((request) => [request.type, request] as const))(
    'hold nothing of a hostile %s but text: no control character, no mark of direction, no Markdown',
    (_type, request) => {
      const details = toCurrentDetails({ ...STATE, requests: [request] });
      expect(details).not.toMatch(RAW);
      expect(details).toContain('bobbin thread approve');
      const trick = { ...request, reason: '`![x](http://evil.example/x.png)` <b>[y](z)' };
      const spans = toCurrentDetails({ ...STATE, requests: [trick] });
      expect(withoutCode(spans)).not.toMatch(/evil|<b>|\[y\]/);
    },
  );

  it('hold nothing of a hostile thread but text', () => {
    const state = {
      ...STATE,
      threadId: HOSTILE,
      settings: { ...STATE.settings, cwd: HOSTILE, model: HOSTILE },
      closeReason: HOSTILE,
      log: { ...STATE.log, events: everyEvent(HOSTILE).filter((event) => event.type === 'turn/completed') },
      queue: [{ turnId: HOSTILE, kind: 'regular' as const, input: [], overrides: {} }],
    };
    expect(toCurrentDetails(state)).not.toMatch(RAW);
    const { staticSummary, staticDetails } = toStaticTexts({
      ...{ threadId: 't1', workspace: { cwd: HOSTILE }, title: `[x](y) ${HOSTILE}`, model: HOSTILE },
    });
    expect(`${staticSummary}\n${staticDetails}`).not.toMatch(RAW);
    expect(staticSummary).toContain('\\[x\\](y)');
  });
});

/** Markdown without its code, in which nothing is acted upon. */
function withoutCode(markdown: string): string {
  return markdown.replace(/^ *```[^]*?^ *```$/gm, '').replace(/(`+)(?!`)[^]*?(?<!`)\1(?!`)/g, '');
}
