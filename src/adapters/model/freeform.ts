/** Which models take tools whose input is text in the form of a grammar: `custom` tools of the Responses wire format. */
import { OFFLINE, readVariable } from './providers.ts';
import type { Environment } from './providers.ts';

/** OpenAI's models that were trained on it. Those named for chats call no such tools. */
const TRAINED = /^(gpt-([5-9]|\d\d)|codex)(?!.*-chat)/;

/**
 * `BOBBIN_FREEFORM_TOOLS` decides, if it is `on` or `off`. Otherwise only endpoints that are known to take them get them:
 * another endpoint with the same wire format may refuse the whole request.
 */
export function takesFreeform(env: Environment, provider: string, name: string): boolean {
  const setting = readVariable(env, 'BOBBIN_FREEFORM_TOOLS') ?? 'auto';
  if (setting !== 'auto') return setting === 'on';
  if (provider === OFFLINE) return true;
  return provider === 'openai' && readVariable(env, 'OPENAI_BASE_URL') === undefined && TRAINED.test(name);
}
