/** The placeholder for a payload that could not be read, so that a guard can refuse it with the reason. */

/** A symbol, so that no JSON can imitate it; a registered one, since the bundle may contain this file twice. */
const UNREADABLE = Symbol.for('bobbin.unreadablePayload');

export function toUnreadable(error: unknown): object {
  return { [UNREADABLE]: error instanceof Error ? error.message : String(error) };
}

/** Why a payload could not be read; null for a value that was read. Raw bytes are not JSON either. */
export function unreadableReason(value: unknown): string | null {
  if (typeof value !== 'object' || value === null) return null;
  if (ArrayBuffer.isView(value)) return 'its encoding is binary, and JSON is needed';
  return UNREADABLE in value ? String(value[UNREADABLE]) : null;
}
