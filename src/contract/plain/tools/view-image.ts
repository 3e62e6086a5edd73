import { LIMITS } from '../limits.ts';
import { isPath } from '../paths.ts';
import { object, text } from './json-schema.ts';
import type { ToolDefinition } from './tool.ts';

export const VIEW_IMAGE: ToolDefinition<{ path: string }> = {
  name: 'view_image',
  description:
    'Shows you an image file (PNG, JPEG, GIF or WebP): a screenshot, a drawing, a plot that a command has made. Commands print no images.',
  parameters: object({ path: text('Path of the file, absolute or relative to the workspace.') }, ['path']),
  offeredTo: 'threads',
  read: ({ path }) =>
    typeof path === 'string' && path !== '' && path.length <= LIMITS.pathChars && isPath(path)
      ? { path }
      : { invalid: 'view_image: `path` must be the path of an image file.' },
};
