/** Contents of files in a snapshot. */
import { Failure } from '../../../../activities/failures.ts';
import type { StoreGit } from './snapshot-store.ts';

/** Bytes that are kept in memory at a time. */
const AHEAD_BYTES = 32 * 1024 * 1024;

/** Contents by id. Reads the contents of all files to write together. */
export class Contents {
  readonly #git: StoreGit;
  /** Objects of another repository that may contain them. */
  readonly #objects: string | undefined;
  readonly #wanted: string[];
  #held = new Map<string, Buffer>();
  #sizes: Map<string, number> | undefined;

  constructor(git: StoreGit, objects: string | undefined, wanted: readonly string[]) {
    this.#git = git;
    this.#objects = objects;
    this.#wanted = [...new Set(wanted)];
  }

  async of(id: string): Promise<Buffer> {
    const held = this.#held.get(id) ?? (await this.#fetch(id)).get(id);
    if (held === undefined) throw new Failure('gitFailed', `Object ${id} of a snapshot cannot be read.`);
    return held;
  }

  async #fetch(id: string): Promise<Map<string, Buffer>> {
    this.#sizes ??= await this.#readSizes();
    const start = this.#wanted.indexOf(id);
    const ids: string[] = [];
    let left = AHEAD_BYTES;
    for (const next of start === -1 ? [id] : this.#wanted.slice(start)) {
      left -= this.#sizes.get(next) ?? 0;
      if (left < 0 && ids.length > 0) break;
      ids.push(next);
    }
    const { stdout } = await this.#ask(['cat-file', '--batch'], ids);
    this.#held = new Map(cutApart(stdout));
    return this.#held;
  }

  async #readSizes(): Promise<Map<string, number>> {
    const { stdout } = await this.#ask(['cat-file', '--batch-check'], this.#wanted);
    const lines = stdout.toString('latin1').split('\n');
    return new Map(lines.flatMap((line) => toSize(line)));
  }

  #ask(args: string[], ids: readonly string[]) {
    const input = ids.map((id) => `${id}\n`).join('');
    return this.#git(args, { input, ...(this.#objects === undefined ? {} : { objects: this.#objects }) });
  }
}

function toSize(line: string): [string, number][] {
  const [, id, bytes] = /^(\w+) blob (\d+)$/.exec(line) ?? [];
  return id === undefined ? [] : [[id, Number(bytes)]];
}

/** A line with the type precedes each body, and a line break follows it. */
function cutApart(output: Buffer): [string, Buffer][] {
  const found: [string, Buffer][] = [];
  for (let at = 0; at < output.length;) {
    const end = output.indexOf('\n', at);
    const [size] = toSize(output.toString('latin1', at, end));
    at = end + 1;
    if (size === undefined) continue;
    found.push([size[0], output.subarray(at, at + size[1])]);
    at += size[1] + 1;
  }
  return found;
}
