/** The variables of the worker's environment that git and its sign-in programs need. They get nothing else. */

const NAMES = new Set([
  // ssh
  ...[
    'SSH_AUTH_SOCK',
    'SSH_AGENT_PID',
    'SSH_ASKPASS',
    'SSH_ASKPASS_REQUIRE',
    'GIT_SSH',
    'GIT_SSH_COMMAND',
    'GIT_SSH_VARIANT',
  ],
  // credential helpers, and where they keep what they know
  ...['GIT_ASKPASS', 'GNUPGHOME', 'DBUS_SESSION_BUS_ADDRESS', 'KRB5CCNAME', 'KRB5_CONFIG', 'NETRC'],
  ...['GIT_CONFIG_GLOBAL', 'GIT_CONFIG_SYSTEM', 'GIT_CONFIG_NOSYSTEM', 'GIT_CONFIG_COUNT'],
  // certificates and proxies
  ...['GIT_SSL_CAINFO', 'GIT_SSL_CAPATH', 'GIT_SSL_CERT', 'GIT_SSL_KEY', 'GIT_SSL_NO_VERIFY', 'GIT_PROXY_SSL_CAINFO'],
  ...['GIT_HTTP_PROXY_AUTHMETHOD', 'SSL_CERT_FILE', 'SSL_CERT_DIR', 'CURL_CA_BUNDLE'],
  ...['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'all_proxy', 'no_proxy'],
]);
const NUMBERED = /^GIT_CONFIG_(KEY|VALUE)_\d+$/;

/** Names that the operator adds, separated by commas: variables that a credential helper reads. */
const MORE = 'BOBBIN_GIT_ENV';

export function signInEnvironment(worker: NodeJS.ProcessEnv): Record<string, string> {
  const more = new Set((worker[MORE] ?? '').split(',').map((name) => name.trim()));
  const wanted = Object.entries(worker).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && (NAMES.has(entry[0]) || NUMBERED.test(entry[0]) || more.has(entry[0])),
  );
  return Object.fromEntries(wanted);
}
