/**
 * An endpoint that refuses an image refuses the request, and would refuse every later one of the thread, which has the
 * image in its past. So it is asked once more without images.
 */
import { Failure } from '../failures.ts';
import type { ConversationEntry, ModelPort, ModelRequest, ModelResponse } from '../ports.ts';

const REASON_CHARS = 300;

export async function respondWithImages(
  models: ModelPort,
  request: ModelRequest,
  io: Parameters<ModelPort['respond']>[1],
): Promise<ModelResponse> {
  try {
    return await models.respond(request, io);
  } catch (error) {
    if (!isAboutImages(error) || !request.conversation.some(showsImages)) throw error;
    io.signal.throwIfAborted();
    const answer = await models.respond({ ...request, conversation: request.conversation.map(withoutImages) }, io);
    const warning = `Model ${request.model} was asked without images, because its endpoint refused them: ${error.message.slice(0, REASON_CHARS)}`;
    return { ...answer, warnings: [...(answer.warnings ?? []), warning] };
  }
}

function isAboutImages(error: unknown): error is Failure {
  return error instanceof Failure && error.code === 'modelBadRequest' && /image/i.test(error.message);
}

function showsImages(entry: ConversationEntry): boolean {
  return 'images' in entry && entry.images.length > 0;
}

function withoutImages(entry: ConversationEntry): ConversationEntry {
  if (!('images' in entry) || entry.images.length === 0) return entry;
  const { images, ...plain } = entry;
  const note = `\n[not shown: ${images.length === 1 ? 'the image' : `the ${images.length} images`} of this message: the endpoint of the model refused it]`;
  return plain.type === 'message' ? { ...plain, text: plain.text + note } : { ...plain, output: plain.output + note };
}
