/** What the token allows, and where the Temporal UI is. */
import { createContext } from 'preact';
import { useContext, useEffect, useState } from 'preact/hooks';
import { type UiPlace, toTemporalUrl } from '../../../contract/plain/temporal-ui.ts';
import { get, isFinal } from './api.ts';
import { sleep } from './sleep.ts';

type Scope = 'read' | 'drive' | 'approve' | 'admin';

export interface Session {
  token: { name: string; scopes: Scope[]; owner: string | null };
  temporalUi: { url: string; namespace: string } | null;
}

/** Null until the server has answered. */
export const SessionContext = createContext<Session | null>(null);

const RETRY_MS = 2_000;

export function useReadSession(): Session | null {
  const [session, setSession] = useState<Session | null>(null);
  useEffect(() => {
    const stop = new AbortController();
    const read = async (): Promise<void> => {
      for (;;) {
        try {
          setSession(await get<Session>('/v1/session', stop.signal));
          return;
        } catch (error) {
          if (isFinal(error)) return;
        }
        await sleep(RETRY_MS, stop.signal);
      }
    };
    read().catch(() => undefined);
    return () => stop.abort();
  }, []);
  return session;
}

/** True until the server has said otherwise. */
export function useAllowed(scope: Scope): boolean {
  const scopes = useContext(SessionContext)?.token.scopes;
  return scopes === undefined || scopes.includes(scope) || scopes.includes('admin');
}

/** A token with an owner may not use what has no owner. */
export function useHasOwner(): boolean {
  const session = useContext(SessionContext);
  return session !== null && session.token.owner !== null;
}

/** Nothing if the address of the UI is not known. */
export function TemporalLink({ place }: { place: UiPlace }) {
  const ui = useContext(SessionContext)?.temporalUi ?? null;
  if (ui === null) return null;
  return (
    <a class="outward" href={toTemporalUrl(ui.url, ui.namespace, place)} target="_blank" rel="noopener noreferrer">
      Temporal UI
    </a>
  );
}
