/** Converts the result of a tool to text for the model. */
import type { CallToolResult, ContentBlock } from '@modelcontextprotocol/client';

export function toText({ content, structuredContent }: CallToolResult): string {
  const parts = content.map(describeBlock);
  if (structuredContent !== undefined && !content.some((block) => says(block, structuredContent))) {
    parts.push(JSON.stringify(structuredContent));
  }
  return parts.filter((part) => part !== '').join('\n') || '(the tool gave no output)';
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

function describeBlock(block: ContentBlock): string {
  switch (block.type) {
    case 'text':
      return block.text;
    case 'image':
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
