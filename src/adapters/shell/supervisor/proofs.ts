/**
 * A client of a supervisor proves that it can make files in the folder of the sockets. A command in a sandbox cannot, so a
 * socket does nothing for it, even if it reaches one: covering sockets up misses those that are made later.
 */
import { randomUUID } from 'node:crypto';
import { lstatSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const NAME = /^proof-[0-9a-f-]{36}$/;
const LEFT_AFTER_MS = 60_000;

/** The name of the file to make, which nobody knows yet. */
export function nameProof(): string {
  return `proof-${randomUUID()}`;
}

/** For a client. Throws the error of the file system. */
export function makeProof(folder: string, name: string): void {
  if (!NAME.test(name)) throw new Error(`${JSON.stringify(name)} is no name of a proof`);
  writeFileSync(join(folder, name), '', { flag: 'wx', mode: 0o600 });
}

/** Whether the client has made it. It counts once. */
export function takeProof(folder: string, name: string): boolean {
  const made = lstatSync(join(folder, name), { throwIfNoEntry: false })?.isFile() === true;
  if (made) rmSync(join(folder, name), { force: true });
  return made;
}

/** Of supervisors that were killed before they took them. */
export function removeLeftProofs(folder: string): void {
  for (const name of readdirSync(folder).filter((one) => NAME.test(one))) {
    const madeAt = lstatSync(join(folder, name), { throwIfNoEntry: false })?.mtimeMs ?? Infinity;
    if (Date.now() - madeAt > LEFT_AFTER_MS) rmSync(join(folder, name), { force: true });
  }
}
