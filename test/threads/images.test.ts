import { createHash } from 'node:crypto';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { InputItem } from '../../src/client/index.ts';
import type { ThreadHandle } from '../../src/client/index.ts';
import { png, webp } from '../../src/contract/test-images.ts';
import { toWorkflowId } from '../../src/contract/index.ts';
import { toImageId } from '../../src/contract/plain/images/image-types.ts';
import { openDoorArchive } from '../../src/dev/door-archive.ts';
import {
  type TestEnvironment,
  closeThread,
  eventsSoFar,
  itemsOf,
  openEnvironment,
  runTurn,
  turn,
} from '../environment.ts';

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await openEnvironment({ requireAssertion: true, env: { BOBBIN_CONTINUE_AFTER_EVENTS: '60' } });
});
afterAll(() => environment.close());

const hashOf = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

/** What the offline model says of an image that reached it unchanged. */
function seen(bytes: Buffer, type: string, width: number, height: number): string {
  return `image/${type} ${width}x${height} sha256:${hashOf(bytes)}`;
}

const text = (words: string): InputItem => ({ type: 'text', text: words });

/** Runs a turn with this input. Returns its last words. */
async function ask(thread: ThreadHandle, ...input: InputItem[]): Promise<string> {
  const end = await runTurn(thread, '', { input });
  expect(end).toMatchObject({ status: 'completed' });
  return end.lastAgentMessage ?? '';
}

/** A private workspace with these files. */
function workspaceWith(files: Record<string, Buffer | string>): string {
  const cwd = environment.workspace();
  for (const [name, bytes] of Object.entries(files)) {
    mkdirSync(join(cwd, name, '..'), { recursive: true });
    writeFileSync(join(cwd, name), bytes);
  }
  return cwd;
}

const viewing = (path: string) => `call: view_image ${JSON.stringify({ path })}`;

describe('an image file', () => {
  it('that the model looks at reaches it unchanged, and stays in its conversation', async () => {
    const [shot, plot] = [png(31, 17), webp(20, 10)];
    const cwd = workspaceWith({ 'shot.png': shot, 'out/plot': plot });
    const thread = await environment.start({ workspace: { cwd } });
    const end = await runTurn(thread, `${viewing('shot.png')}\n${viewing(join(cwd, 'out/plot'))}\nsee:`);
    const both = [seen(shot, 'png', 31, 17), seen(plot, 'webp', 20, 10)].join('\n');
    expect(end.lastAgentMessage).toContain(both);
    expect(await itemsOf(thread, 'imageView')).toMatchObject([
      {
        ...{ path: 'shot.png', status: 'completed', output: `shot.png, 31 × 17, image/png, ${shot.length} bytes` },
        images: [{ name: 'shot.png', width: 31, height: 17, bytes: shot.length }],
      },
      { status: 'completed', images: [{ mediaType: 'image/webp' }] },
    ]);
    expect(await ask(thread, text('see:'))).toContain(both);
  });

  it('that the person names is seen, also if it is steered', async () => {
    const [one, two] = [png(3, 4), png(5, 6)];
    const thread = await environment.start({ workspace: { cwd: workspaceWith({ 'one.png': one, 'two.png': two }) } });
    expect(await ask(thread, text('see:'), { type: 'localImage', path: 'one.png' })).toContain(seen(one, 'png', 3, 4));
    const running = turn('run: sleep 600\nsee:');
    await thread.submit(running);
    await expect.poll(async () => (await itemsOf(thread, 'commandExecution')).length, { timeout: 20_000 }).toBe(1);
    await thread.steer({ expectedTurnId: running.turnId, input: [{ type: 'localImage', path: 'two.png' }] });
    await thread.interrupt({ turnId: running.turnId });
    const answer = await ask(thread, text('see:'));
    expect(answer).toContain([seen(one, 'png', 3, 4), seen(two, 'png', 5, 6)].join('\n'));
  });

  it('stays as the model first saw it', async () => {
    const first = png(3, 4);
    const cwd = workspaceWith({ 'one.png': first });
    const thread = await environment.start({ workspace: { cwd } });
    await ask(thread, text('see:'), { type: 'localImage', path: 'one.png' });
    writeFileSync(join(cwd, 'one.png'), png(50, 60));
    expect(await ask(thread, text('see:'))).toMatch(new RegExp(`^${seen(first, 'png', 3, 4)}\n\n\\(`));
    // Named again, it is looked at again.
    expect(await ask(thread, text('see:'), { type: 'localImage', path: 'one.png' })).toContain('image/png 50x60');
  });

  it('that cannot be seen is a clear word for the model and the person, and the turn survives', async () => {
    const cwd = workspaceWith({
      'page.png': '<!DOCTYPE html><script>alert(1)</script>',
      'drawing.png': '<svg xmlns="http://www.w3.org/2000/svg"/>',
      'cut.png': png(30, 30).subarray(0, 50),
      'huge.png': png(10_000, 5_000),
      'secret/key.png': png(1, 1),
    });
    symlinkSync(join(environment.data, 'keys'), join(cwd, 'link.png'));
    symlinkSync('/etc/hostname', join(cwd, 'host.png'));
    symlinkSync('loop.png', join(cwd, 'loop.png'));
    const faults: Record<string, string> = {
      'page.png': 'it is an HTML page',
      'drawing.png': 'it is an SVG drawing',
      'cut.png': 'it is a broken png image',
      'huge.png': 'it has 10000 × 5000 pixels',
      'none.png': 'there is no such file',
      'loop.png': 'it is a link that leads nowhere',
      'link.png': 'it is in a place that is closed to commands',
      '../../../../../proc/self/environ': 'it is in a place that is closed to commands',
    };
    const thread = await environment.start({ workspace: { cwd } });
    await runTurn(thread, `${Object.keys(faults).map(viewing).join('\n')}\nsay: done`);
    const views = await itemsOf(thread, 'imageView');
    expect(views.map(({ path, status, output }) => [path, status, output])).toEqual(
      Object.entries(faults).map(([path, fault]) => [
        path,
        'failed',
        expect.stringContaining(`${path} cannot be seen: ${fault}`) as string,
      ]),
    );
    const named = Object.keys(faults).map((path): InputItem => ({ type: 'localImage', path }));
    expect(await ask(thread, text('see:'), ...named)).toContain('I see no image.');
    const warnings = (await eventsSoFar(thread)).flatMap((event) => (event.type === 'warning' ? [event.message] : []));
    for (const [path, fault] of Object.entries(faults))
      expect(warnings).toContainEqual(expect.stringContaining(`Image ${path} is not shown: ${fault}`));
    expect(JSON.stringify(environment.model.requests.at(-1)?.body)).toContain(
      '[not shown: image page.png: it is an HTML',
    );
  });
});

describe('an image of a client', () => {
  it('is in the archive, and only a reference to it is in any message', async () => {
    const bytes = png(400, 300, 7);
    const image = await environment.bobbin.images.store(bytes, 'my shot.png');
    expect(image).toEqual({
      ...{ type: 'image', mediaType: 'image/png', width: 400, height: 300, bytes: bytes.length, name: 'my shot.png' },
      sha256: createHash('sha256').update(bytes).digest('hex'),
    });
    const thread = await environment.start();
    expect(await ask(thread, text('see:'), image)).toContain(seen(bytes, 'png', 400, 300));
    const { client } = environment.bobbin.service;
    const history = await client.workflow.getHandle(toWorkflowId(thread.threadId)).fetchHistory();
    const told = Buffer.concat((history.events ?? []).flatMap((event) => payloadsIn(event)));
    expect(told.includes('my shot.png')).toBe(true);
    expect(told.includes(bytes.toString('base64').slice(40, 100))).toBe(false);
    expect(told.includes(bytes.subarray(40, 80))).toBe(false);
    expect((await environment.bobbin.images.read(image.sha256)).bytes).toEqual(bytes);
  });

  it('that no model can see is refused before anything is sent', async () => {
    const { images } = environment.bobbin;
    await expect(images.store(Buffer.from('<svg/>'), 'a.png')).rejects.toMatchObject({
      ...{ code: 'imageUnusable' },
      message: 'Image a.png cannot be used: it is an SVG drawing, and only PNG, JPEG, GIF and WebP images can be seen.',
    });
    await expect(images.read('0'.repeat(64))).rejects.toMatchObject({ code: 'imageNotFound' });
    await expect(images.read('../../etc/passwd')).rejects.toMatchObject({ code: 'imageNotFound' });
  });

  it('is what its bytes are, whatever the reference of a raw client says', async () => {
    const bytes = png(9, 8, 3);
    const image = await environment.bobbin.images.store(bytes);
    const thread = await environment.start();
    const forged = { ...image, mediaType: 'image/gif' as const, width: 1, height: 1, bytes: 1 };
    expect(await ask(thread, text('see:'), forged)).toContain(seen(bytes, 'png', 9, 8));
    const missing = { ...image, sha256: '0'.repeat(64) };
    expect(await ask(thread, text('see:'), missing)).not.toContain('0'.repeat(64));
    const warnings = (await eventsSoFar(thread)).filter(({ type }) => type === 'warning');
    expect(warnings).toMatchObject([
      { message: expect.stringMatching(/the archive of this worker does not have it/) as string },
    ]);
  });

  it('is not shown if the archive has other bytes under its hash, or bytes that are no image', async () => {
    const archive = openDoorArchive(environment.env, environment.data);
    const { images } = environment.bobbin;
    const known = await images.store(png(9, 8, 20));
    const other = png(30, 20, 22);
    const page = Buffer.from('<html><script>alert(1)</script></html>');
    const planted: [name: string, ofHash: Buffer, body: string, note: RegExp][] = [
      ['other.png', png(9, 8, 21), other.toString('base64'), /the archive has other bytes under its name/],
      ['empty.png', png(9, 8, 23), '', /the archive has other bytes under its name/],
      ['noise.png', png(9, 8, 24), '\0'.repeat(1_000_000), /the archive has other bytes under its name/],
      ['page.png', page, page.toString('base64'), /it is an HTML/],
    ];
    const refs = planted.map(([name, bytes]) => ({ ...known, name, sha256: hashOf(bytes) }));
    for (const [index, [, , body]] of planted.entries()) await archive.write(toImageId(refs[index]!.sha256), body);
    const thread = await environment.start();
    expect(await ask(thread, text('see:'), known, ...refs)).toContain(seen(png(9, 8, 20), 'png', 9, 8));
    const sent = JSON.stringify(environment.model.requests.at(-1)?.body);
    for (const [name, , , note] of planted) {
      const [words = ''] = new RegExp(`\\[not shown: ${name}[^\\]]*\\]`).exec(sent) ?? [];
      expect(words).toMatch(note);
    }
    for (const bytes of [other, page]) expect(sent).not.toContain(bytes.toString('base64'));
    const warnings = (await eventsSoFar(thread)).filter(({ type }) => type === 'warning');
    expect(warnings).toHaveLength(planted.length);
    for (const { sha256 } of refs) await expect(images.read(sha256)).rejects.toMatchObject({ code: 'imageNotFound' });
  });

  it('is a note for a model without eyes, which gets no tool to look at one either', async () => {
    const image = await environment.bobbin.images.store(png(9, 8, 4), 'shot.png');
    const thread = await environment.start({ model: 'offline/bobbin-blind' });
    expect(await ask(thread, text('see:'), image)).toContain('I see no image.');
    const { body } = environment.model.requests.at(-1) as { body: { tools: { name: string }[] } };
    expect(body.tools.map(({ name }) => name)).not.toContain('view_image');
    expect(JSON.stringify(body)).toContain('model offline/bobbin-blind sees no images');
    // The same thread with a model that has eyes shows it.
    const end = await runTurn(thread, 'see:', { overrides: { model: 'offline/bobbin-offline' } });
    expect(end.lastAgentMessage).toContain('image/png 9x8');
  });

  it('that the endpoint refuses is left out with a note, and the turn completes', async () => {
    const thread = await environment.start();
    const image = await environment.bobbin.images.store(png(9, 8, 5));
    const refusing = text('blind:\nsee:');
    const end = await runTurn(thread, '', { input: [refusing, image] });
    expect(end).toMatchObject({ status: 'completed' });
    expect(end.lastAgentMessage).toContain('I see no image.');
  });
});

describe('images of a thread', () => {
  it('survive continue-as-new, a close and a resume, and a fork', async () => {
    const [mine, file] = [png(40, 30, 1), png(20, 10, 2)];
    const cwd = workspaceWith({ 'file.png': file });
    const thread = await environment.start({ workspace: { cwd } });
    await ask(thread, text('see:'), await environment.bobbin.images.store(mine));
    await ask(thread, text(`${viewing('file.png')}\nsay: seen`));
    while ((await thread.view()).runCount < 3) await ask(thread, text('say: go on'));
    const both = [seen(mine, 'png', 40, 30), seen(file, 'png', 20, 10)].join('\n');
    expect(await ask(thread, text('see:'))).toContain(both);
    const fork = await environment.bobbin.threads.fork(thread.threadId);
    expect(await ask(fork, text('see:'))).toContain(both);
    await closeThread(thread);
    const { thread: resumed } = await environment.bobbin.threads.resume(thread.threadId);
    expect(await ask(resumed, text('see:'))).toContain(both);
  });

  it('are named in words after a compaction, and can be looked at again', async () => {
    const cwd = workspaceWith({ 'file.png': png(20, 10, 2) });
    const thread = await environment.start({ workspace: { cwd } });
    const image = await environment.bobbin.images.store(png(40, 30, 6), 'mine.png');
    await ask(thread, text('say: one'), image, { type: 'localImage', path: 'file.png' });
    environment.model.offerCompaction(false);
    const { turnId } = await thread.compact();
    await thread.completion(turnId);
    expect(await ask(thread, text('see:'))).toContain('I see no image.');
    expect(JSON.stringify(environment.model.requests.at(-1)?.body)).toContain('[image: mine.png, 40 × 30, image/png');
    expect(await ask(thread, text(`${viewing('file.png')}\nsee:`))).toContain('image/png 20x10');
  });

  it('go with their turn when it is undone, and count as tokens', async () => {
    const thread = await environment.start();
    const before = await runTurn(thread, 'say: one');
    const image = await environment.bobbin.images.store(png(1_500, 1_000, 8));
    const end = await runTurn(thread, '', { input: [text('see:'), image] });
    const tokens = end.usage.inputTokens - before.usage.inputTokens;
    expect(tokens).toBeGreaterThan(1_600);
    expect(tokens).toBeLessThan(2_200);
    await thread.rollback({ numTurns: 1 });
    expect(await ask(thread, text('see:'))).toContain('I see no image.');
  });
});

/** The bytes of every payload in an event. */
function payloadsIn(value: unknown): Buffer[] {
  if (value instanceof Uint8Array) return [Buffer.from(value)];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(payloadsIn);
}
