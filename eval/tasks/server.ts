/** Write a test that starts a server and talks to it, and mend what the test finds. */
import assert from 'node:assert/strict';
import { packageJson } from './files.ts';
import type { Step, Task } from './task.ts';

const SERVER = `import { createServer } from 'node:http';

const notes = new Map();
let last = 0;

async function textOf(request) {
  let text = '';
  for await (const piece of request) text += piece;
  return text;
}

function send(response, status, body) {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

const server = createServer(async (request, response) => {
  const [, kind, id] = request.url.split('/');
  if (kind !== 'notes') return send(response, 404, { error: 'there is no such page' });
  if (request.method === 'POST' && id === undefined) {
    const note = { id: ++last, text: await textOf(request) };
    notes.set(note.id, note);
    return send(response, 201, note);
  }
  if (id === undefined) return send(response, 200, [...notes.values()]);
  if (!notes.has(Number(id))) return send(response, 404, { error: 'there is no such note' });
  if (request.method === 'DELETE') {
    notes.delete(id);
    return send(response, 200, {});
  }
  return send(response, 200, notes.get(Number(id)));
});

server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => console.log('listening on ' + server.address().port));
`;

const MENDED = SERVER.replace('notes.delete(id)', 'notes.delete(Number(id))');

/** A client that knows what is right. Prints \`right\`, or the first thing that is wrong. */
const smoke = (throughout: string) => `import { spawn } from 'node:child_process';

const child = spawn('node', ['server.mjs'], { env: { ...process.env, PORT: '0' }, stdio: ['ignore', 'pipe', 'inherit'] });
const timer = setTimeout(() => end(1, 'it took too long'), 10_000);

function end(code, reason) {
  clearTimeout(timer);
  console.log(reason);
  child.kill('SIGKILL');
  process.exit(code);
}
child.on('exit', () => end(1, 'the server ended'));

function expect(right, what) {
  if (!right) end(1, what + ' is wrong');
}

async function main() {
  const port = await new Promise((resolve) => {
    child.stdout.on('data', (piece) => resolve(/listening on (\\d+)/.exec(String(piece))?.[1]));
  });
  const url = 'http://127.0.0.1:' + port + '/notes';
  const first = await (await fetch(url, { method: 'POST', body: 'one' })).json();
  const second = await (await fetch(url, { method: 'POST', body: 'two' })).json();
  expect(first.text === 'one' && second.text === 'two', 'what was added');
  expect((await (await fetch(url + '/' + second.id)).json()).text === 'two', 'a note that was read');
  expect((await fetch(url + '/' + first.id, { method: 'DELETE' })).status === 200, 'the answer to a removal');
  ${throughout}
  expect((await (await fetch(url)).json()).length === 1, 'the list after a removal');
  end(0, 'right');
}

main().catch((error) => end(1, error.message));
`;

const SMOKE = smoke(`expect((await fetch(url + '/' + first.id)).status === 404, 'a note that was removed');`);
/** It looks at nothing after the removal. */
const BLIND = SMOKE.replace(
  / {2}expect\(\(await fetch\(url \+ '\/' \+ first\.id\)\)\.status === 404.*\n.*length === 1.*\n/,
  '',
);

/** Says what a note is after it was removed. Waits for the server. */
const TRY = `const url = 'http://127.0.0.1:4870/notes';
const ask = (more, how) => fetch(url + more, how).catch(() => undefined);
while ((await ask('', { method: 'POST', body: 'one' })) === undefined) await new Promise((later) => setTimeout(later, 50));
await ask('/1', { method: 'DELETE' });
console.log('a note that was removed: ' + (await ask('/1')).status);
`;

/** The server as a job of a shell in a terminal: no other command reaches its port. */
const BY_HAND: Step[] = [
  { write: '/tmp/try.mjs', text: TRY },
  { leave: 'PS1= bash --norc --noprofile' },
  { type: 'PORT=4870 node server.mjs &\n', waitMs: 250 },
  { type: 'timeout 60 node /tmp/try.mjs; kill %1; exit\n', waitMs: 90_000 },
];

export const server: Task = {
  name: 'server',
  about: 'write a test that starts a server, and mend what it finds',
  commits: [
    {
      message: 'Keep notes',
      files: {
        'package.json': packageJson('notes', { scripts: { start: 'node server.mjs', smoke: 'node smoke.mjs' } }),
        'server.mjs': SERVER,
        'README.md':
          '# Notes\n\n`npm start` serves notes on 127.0.0.1, on the port `PORT`, or a free one, which it prints.\n\n' +
          '| request | answer |\n|---|---|\n| `POST /notes`, the text as body | 201, the note |\n| `GET /notes` | 200, all notes |\n' +
          '| `GET /notes/ID` | 200, the note; 404 |\n| `DELETE /notes/ID` | 200; the note is gone; 404 if there was none |\n',
      },
    },
  ],
  turns: [
    {
      prompt: [
        'Write `smoke.mjs`, without dependencies: it starts `server.mjs` of its folder as a process on a free port, tries every request that the',
        'README names, also what a removal leaves, and stops the server. It ends with code 0 if all answers are as the README says, with',
        'code 1 otherwise, or if that takes longer than 20 seconds, and leaves no process behind either way. Run it. If it finds a',
        'fault of the server, mend the server.',
      ].join(' '),
      solution: [
        ...BY_HAND,
        { write: 'smoke.mjs', text: SMOKE },
        { run: 'node smoke.mjs' },
        { write: 'server.mjs', text: MENDED },
        { run: 'node smoke.mjs' },
      ],
      spoilt: [{ write: 'smoke.mjs', text: BLIND }, { write: 'server.mjs', text: MENDED }, { run: 'node smoke.mjs' }],
    },
  ],
  async check(left) {
    const ends = async (what: string, code: number): Promise<void> => {
      // Processes end with the sandbox of their command, so the same command looks for them.
      const { output } = await left.run(
        `timeout 40 node smoke.mjs >/dev/null 2>&1; echo "code $?"; sleep 1; grep -l 'serve[r].mjs' /proc/[0-9]*/cmdline`,
      );
      assert.equal(output, `code ${code}\n`, what);
    };
    await ends('the test does not pass with the server as it is now', 0);
    await left.put('/tmp/check/smoke.mjs', SMOKE);
    assert.equal((await left.print('node /tmp/check/smoke.mjs')).trim(), 'right', 'the server is not mended');
    const broken = {
      'the server as it was': SERVER,
      'a server that loses notes': MENDED.replace('notes.set(note.id, note);', ''),
      'a server that ends at once': 'process.exit(0);\n',
      'a server that finds what is not there': MENDED.replace("404, { error: 'there is no such note' }", '200, {}'),
    };
    for (const [what, text] of Object.entries(broken)) {
      await left.put('server.mjs', text);
      await ends(`the test does not notice ${what}, or leaves a process behind`, 1);
    }
    await left.put('server.mjs', MENDED);
    await ends('the test does not pass with a server that is right', 0);
  },
};
