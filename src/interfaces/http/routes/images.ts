/** Images for inputs. They belong to no thread: whoever knows the hash of one has seen it, or a thread that shows it. */
import { z } from 'zod';
import { LIMITS } from '../../../contract/plain/limits.ts';
import { optional } from '../../../contract/shapes.ts';
import { type Endpoint, endpoint, json } from '../endpoint.ts';
import { ref } from '../schemas.ts';

const NameSchema = z.object({
  name: optional(z.string().min(1).max(LIMITS.idChars)).describe('The name of its file, for people and models.'),
});

export const IMAGE_ENDPOINTS: readonly Endpoint[] = [
  endpoint({
    method: 'post',
    path: '/v1/images',
    tag: 'Images',
    summary: 'Store an image',
    description: `The body is the file: PNG, JPEG, GIF or WebP, at most ${LIMITS.imageBytes} bytes. The answer is an entry for the input of a turn. What the bytes are decides, not what they are called.`,
    scope: 'drive',
    query: NameSchema,
    upload: { mediaTypes: ['image/*', 'application/octet-stream'], maxBytes: LIMITS.imageBytes },
    answers: [{ status: 201, says: 'The image is stored.', schema: ref('ImageInput') }],
    problems: ['imageUnusable', 'imagesUnavailable'],
    run: async ({ bobbin, query: { name }, bytes }) => json(await bobbin.images.store(bytes, name), 201),
  }),
  endpoint({
    method: 'get',
    path: '/v1/images/{sha256}',
    tag: 'Images',
    summary: 'Read an image',
    scope: 'read',
    answers: [
      {
        status: 200,
        says: 'The file. Its type is what its bytes are: image/png, image/jpeg, image/gif or image/webp.',
        mediaType: 'image/*',
        schema: { type: 'string', contentMediaType: 'image/*' },
      },
    ],
    problems: ['imageNotFound', 'imagesUnavailable'],
    async run({ bobbin, params: { sha256 } }) {
      const { bytes, mediaType } = await bobbin.images.read(sha256);
      return { type: 'image', mediaType, bytes };
    },
  }),
];
