/** The two shapes in descriptions of tools. */
export const text = (description: string) => ({ type: 'string', description });

export function object(properties: Record<string, unknown>, required: string[]): Record<string, unknown> {
  return { type: 'object', properties, required, additionalProperties: false };
}
