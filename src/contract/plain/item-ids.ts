/** The id of the item with that number; the first one has the number 0. */
export function toItemId(index: number): string {
  return `item_${index}`;
}
