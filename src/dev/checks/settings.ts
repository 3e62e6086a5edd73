import { findFault } from './address.ts';
import type { CheckContext, Finding, Probe } from './check.ts';
import { readVariable } from '../../folders/variables.ts';

/** The variables with the key of each model provider. */
const KEY_OF_PROVIDER: Record<string, string> = {
  openai: 'OPENAI_API_KEY',
  anthropic: 'ANTHROPIC_API_KEY',
  google: 'GOOGLE_GENERATIVE_AI_API_KEY',
};

/** Checks the settings of models and identities, and reports the local substitutes. */
export const settingProbes: Probe[] = [
  {
    name: 'model',
    need: 'OPENAI_API_KEY, or BOBBIN_MODEL=provider/model and the key of that provider; the offline model otherwise',
    look: ({ env }) => Promise.resolve(lookAtModel(env)),
  },
  {
    name: 'identity service',
    need: 'BOBBIN_IDENTITY_URL; the reference identity service otherwise',
    look: lookAtIdentity,
  },
];

export function lookAtModel(env: CheckContext['env']): Finding {
  const model = readVariable(env, 'BOBBIN_MODEL');
  if (!model) {
    const found = readVariable(env, 'OPENAI_API_KEY')
      ? 'OPENAI_API_KEY is set'
      : 'no key: the offline model server is used';
    return { status: 'ok', found };
  }
  const provider = model.includes('/') ? (model.split('/', 1)[0] ?? '') : 'openai';
  const key = KEY_OF_PROVIDER[provider];
  if (key === undefined) return { status: 'ok', found: `BOBBIN_MODEL=${model}; its key is not checked here` };
  if (env[key]) return { status: 'ok', found: `BOBBIN_MODEL=${model}, ${key} is set` };
  return {
    status: 'missing',
    found: `BOBBIN_MODEL=${model}, but ${key} is not set`,
    howTo: `Set ${key}, or unset BOBBIN_MODEL to use the offline model.`,
  };
}

async function lookAtIdentity({ env, signal }: CheckContext): Promise<Finding> {
  const url = readVariable(env, 'BOBBIN_IDENTITY_URL');
  if (!url) return { status: 'ok', found: 'not set: the reference identity service is used' };
  const fault = await findFault(url, signal);
  const shown = withoutCredentials(url);
  if (fault === undefined) return { status: 'ok', found: `${shown} answers` };
  const howTo = 'Correct BOBBIN_IDENTITY_URL, start that service, or unset the variable to use the reference service.';
  return { status: 'missing', found: `${shown}: ${fault}`, howTo };
}

function withoutCredentials(url: string): string {
  return url.replace(/\/\/[^/@]*@/, '//');
}
