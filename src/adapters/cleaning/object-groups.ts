/** Objects of a store by their owners. */
import type { StoredObject } from '../store/store.ts';

export interface ObjectGroup<O> {
  owner: O;
  objects: StoredObject[];
}

/** Neighbours with the same owner: a store lists objects in the order of their names. Leaves out those without an owner. */
export async function* inGroups<O>(
  objects: AsyncIterable<StoredObject>,
  ownerOf: (name: string) => O | null,
): AsyncGenerator<ObjectGroup<O>> {
  let current: (ObjectGroup<O> & { key: string }) | null = null;
  for await (const object of objects) {
    const owner = ownerOf(object.name);
    if (owner === null) continue;
    const key = JSON.stringify(owner);
    if (current !== null && current.key !== key) {
      yield current;
      current = null;
    }
    current ??= { key, owner, objects: [] };
    current.objects.push(object);
  }
  if (current !== null) yield current;
}
