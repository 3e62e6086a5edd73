/** Converts the result of a tool to text and images for the model. */
import type { CallToolResult, ContentBlock } from '@modelcontextprotocol/client';

export function toText({ content, structuredContent }: CallToolResult): string {
  let images = 0;
  const parts = content.map((block) =>
    block.type === 'image' ? `[image ${++images}, ${block.mimeType}]` : describeBlock(block),
  );
  if (structuredContent !== undefined && !content.some((block) => says(block, structuredContent))) {
    parts.push(JSON.stringify(structuredContent));
  }
  return parts.filter((part) => part !== '').join('\n') || '(the tool gave no output)';
}

/** The bytes that a server calls images, whatever they are. */
export function toImages({ content }: CallToolResult): Uint8Array[] {
  return content.flatMap((block) => (block.type === 'image' ? [Buffer.from(block.data, 'base64')] : []));
}

/** Servers repeat structured content as text for clients that know only text. */
function says(block: ContentBlock, value: unknown): boolean {
  if (block.type !== 'text') return false;
  try {
    return JSON.stringify(JSON.parse(block.text)) === JSON.stringify(value);
  } catch {
    return false;
  }
}

function describeBlock(block: Exclude<ContentBlock, { type: 'image' }>): string {
  switch (block.type) {
    case 'text':
      return block.text;
    case 'audio':
      return `[${block.type}, ${block.mimeType}, ${bytesOf(block.data)} bytes, not shown]`;
    case 'resource_link':
      return `[resource ${block.uri}: ${block.name}${block.mimeType === undefined ? '' : `, ${block.mimeType}`}]`;
    case 'resource': {
      const { resource } = block;
      if ('text' in resource) return `[resource ${resource.uri}]\n${resource.text}`;
      return `[resource ${resource.uri}, ${resource.mimeType ?? 'of unknown type'}, ${bytesOf(resource.blob)} bytes, not shown]`;
    }
  }
}

function bytesOf(base64: string): number {
  return Buffer.byteLength(base64, 'base64');
}
