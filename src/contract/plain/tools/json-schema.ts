/** The two shapes that descriptions of tools are made of. */
export const text = (description: string) => ({ type: 'string', description });

export function object(properties: Record<string, unknown>, required: string[]): Record<string, unknown> {
  return { type: 'object', properties, required, additionalProperties: false };
}
