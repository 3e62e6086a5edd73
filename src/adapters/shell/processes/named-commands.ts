/** Which commands a clean-up ends: those of its ids, and of an id that ends with a star all that begin like it. */
export function isNamed(ids: ReadonlySet<string>, commandId: string): boolean {
  if (ids.has(commandId)) return true;
  for (const id of ids) if (id.endsWith('/*') && commandId.startsWith(id.slice(0, -1))) return true;
  return false;
}
