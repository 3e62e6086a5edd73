/** The token of the API. It is kept for this tab alone, and ends with it. */
const KEY = 'bobbin-token';

let onChange: () => void = () => undefined;

/** Takes the token from the address, and removes it from there and from the history of the browser. */
export function takeToken(): void {
  const [, token] = /^#token=(.+)$/.exec(location.hash) ?? [];
  if (token === undefined) return;
  history.replaceState(null, '', location.pathname);
  setToken(token);
}

export function getToken(): string | null {
  return sessionStorage.getItem(KEY);
}

export function setToken(token: string): void {
  sessionStorage.setItem(KEY, token);
  onChange();
}

/** Of a token that the server no longer accepts. */
export function forgetToken(): void {
  sessionStorage.removeItem(KEY);
  onChange();
}

/** @param listener replaces the one before */
export function onTokenChange(listener: () => void): void {
  onChange = listener;
}
