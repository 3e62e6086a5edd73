/** Which models take tools whose input is text in the form of a grammar: `custom` tools of the Responses wire format. */
import { OFFLINE } from './provider-table.ts';
import type { OwnProviders } from './providers.ts';
import { type Environment, readVariable } from '../../folders/variables.ts';

/** OpenAI's models that were trained on it. Those named for chats call no such tools. */
const TRAINED = /^(gpt-([5-9]|\d\d)|codex)(?!.*-chat)/;

/**
 * `BOBBIN_FREEFORM_TOOLS` decides, if it is `on` or `off`. Otherwise only endpoints that are known to take them get them:
 * another endpoint with the same wire format may refuse the whole request.
 */
export function takesFreeform(env: Environment, provider: string, name: string, own: OwnProviders = {}): boolean {
  const setting = readVariable(env, 'BOBBIN_FREEFORM_TOOLS') ?? 'auto';
  if (setting !== 'auto') return setting === 'on';
  if (provider === OFFLINE) return true;
  const ownUrl = own[provider]?.baseUrl ?? readVariable(env, 'OPENAI_BASE_URL');
  return provider === 'openai' && ownUrl === undefined && TRAINED.test(name);
}
