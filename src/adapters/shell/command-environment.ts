import { toSearchPath } from '../programs.ts';
import { COMMAND_MARKER } from './processes/process-table.ts';

/** Identity, locale, output preferences and tool locations: variables that a build needs, none of them secret. */
const PASSED = new Set([
  ...['HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'LANGUAGE', 'LOCALE_ARCHIVE', 'TZ', 'TZDIR', 'CI', 'EDITOR'],
  ...['NO_COLOR', 'FORCE_COLOR', 'COLUMNS', 'LINES', 'SOURCE_DATE_EPOCH'],
  ...['XDG_CACHE_HOME', 'XDG_CONFIG_HOME', 'XDG_CONFIG_DIRS', 'XDG_DATA_HOME', 'XDG_DATA_DIRS', 'XDG_STATE_HOME'],
  ...['GIT_AUTHOR_NAME', 'GIT_AUTHOR_EMAIL', 'GIT_AUTHOR_DATE'],
  ...['GIT_COMMITTER_NAME', 'GIT_COMMITTER_EMAIL', 'GIT_COMMITTER_DATE'],
  // C and its kin
  ...['CC', 'CXX', 'CPP', 'AR', 'LD', 'CFLAGS', 'CXXFLAGS', 'CPPFLAGS', 'LDFLAGS', 'MAKEFLAGS', 'CPATH'],
  ...['LIBRARY_PATH', 'LD_LIBRARY_PATH', 'PKG_CONFIG_PATH', 'CMAKE_PREFIX_PATH', 'CMAKE_GENERATOR', 'MANPATH'],
  // Languages
  ...['JAVA_HOME', 'JDK_HOME', 'GRADLE_HOME', 'GRADLE_USER_HOME', 'MAVEN_HOME', 'M2_HOME', 'KOTLIN_HOME', 'SDKMAN_DIR'],
  ...['GOPATH', 'GOROOT', 'GOBIN', 'GOCACHE', 'GOMODCACHE', 'GOFLAGS', 'GOPROXY', 'GOSUMDB', 'GOTOOLCHAIN', 'GOARCH'],
  ...['GOOS', 'CGO_ENABLED', 'CARGO_HOME', 'CARGO_TARGET_DIR', 'RUSTUP_HOME', 'RUSTUP_TOOLCHAIN', 'RUSTFLAGS'],
  ...['NODE_ENV', 'NODE_EXTRA_CA_CERTS', 'NVM_DIR', 'NVM_BIN', 'NVM_INC', 'VOLTA_HOME', 'FNM_DIR', 'PNPM_HOME'],
  ...['COREPACK_HOME', 'BUN_INSTALL', 'DENO_DIR', 'DENO_INSTALL', 'PYENV_ROOT', 'PYENV_VERSION', 'PYTHONPATH'],
  ...['VIRTUAL_ENV', 'CONDA_PREFIX', 'CONDA_DEFAULT_ENV', 'CONDA_EXE', 'PIPX_HOME', 'UV_CACHE_DIR', 'POETRY_HOME'],
  ...['RBENV_ROOT', 'RBENV_VERSION', 'GEM_HOME', 'GEM_PATH', 'BUNDLE_PATH', 'ASDF_DIR', 'ASDF_DATA_DIR'],
  ...['MISE_DATA_DIR', 'DOTNET_ROOT', 'ANDROID_HOME', 'ANDROID_SDK_ROOT', 'OPAMROOT', 'GHCUP_INSTALL_BASE_PREFIX'],
  ...['JULIA_DEPOT_PATH', 'R_HOME', 'R_LIBS_USER', 'COMPOSER_HOME', 'NIX_PATH', 'NIX_PROFILES', 'HOMEBREW_PREFIX'],
  // The network, as far as it is on
  ...['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy', 'no_proxy', 'all_proxy'],
  ...['SSL_CERT_FILE', 'SSL_CERT_DIR', 'NIX_SSL_CERT_FILE', 'CURL_CA_BUNDLE', 'REQUESTS_CA_BUNDLE'],
]);
const LOCALE = /^LC_[A-Z]+$/;
/** They make a program load or run files from their value, which may be a path in a workspace. */
const LOADERS =
  /^(LD_|DYLD_|GCONV_PATH$|LOCPATH$|PERL|PYTHON|RUBY|NODE_OPTIONS$|NODE_PATH$|BASH_ENV$|ENV$|BASHOPTS$|SHELLOPTS$)/;
/** An address with a user, who may have a password; a proxy may have no scheme. */
const SIGNED_IN = /(?:\/\/|^[^/\s@]+:)[^/\s]*@/;

/** What a supervisor needs in addition, to find programs and files of ours, and to be found itself. */
const OF_SUPERVISORS = ['PATH', 'TMPDIR', 'BOBBIN_COMMAND_ENV', 'BOBBIN_CACHE', 'NODE_COMPILE_CACHE', COMMAND_MARKER];

/** Enough of the worker's environment to run commands as the worker would. Keys of models are not in it. */
export function toSupervisorEnvironment(worker: NodeJS.ProcessEnv, stateDirectory: string): Record<string, string> {
  const isNeeded = isPassedIn(worker);
  const needed = Object.entries(worker).flatMap(([name, value]) =>
    value !== undefined && (isNeeded(name) || OF_SUPERVISORS.includes(name)) ? [[name, value] as const] : [],
  );
  return { ...Object.fromEntries(needed), BOBBIN_DATA_DIR: stateDirectory };
}

/** Whether a command may get a variable, by its name. */
function isPassedIn(worker: NodeJS.ProcessEnv): (name: string) => boolean {
  const named = namedVariables(worker);
  return (name) => PASSED.has(name) || LOCALE.test(name) || named.has(name);
}

function namedVariables(worker: NodeJS.ProcessEnv): Set<string> {
  return new Set((worker['BOBBIN_COMMAND_ENV'] ?? '').split(/[\s,]+/));
}

/** Removes the variables by which a program outside of every sandbox would load files that may be in a workspace. */
export function withoutLoaders<Value extends string | undefined>(
  environment: Record<string, Value>,
): Record<string, Value> {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !LOADERS.test(name)));
}

/** The variables that {@link withoutLoaders} removes, for programs in a sandbox. */
export function onlyLoaders(environment: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => LOADERS.test(name)));
}

/**
 * The environment of a command or an MCP server: harmless variables of the worker and those in `BOBBIN_COMMAND_ENV`, a
 * terminal without capabilities, no pager, and the marker by which its processes are found.
 */
export function buildCommandEnvironment(
  worker: NodeJS.ProcessEnv,
  commandId: string,
  path = toSearchPath([], worker),
): Record<string, string> {
  const environment: Record<string, string> = {};
  const named = namedVariables(worker);
  for (const [name, value] of Object.entries(worker)) {
    if (value === undefined) continue;
    const isHarmless = (PASSED.has(name) || LOCALE.test(name)) && !SIGNED_IN.test(value);
    if (isHarmless || named.has(name)) environment[name] = value;
  }
  return {
    ...environment,
    PATH: path,
    TERM: 'dumb',
    PAGER: 'cat',
    GIT_PAGER: 'cat',
    MANPAGER: 'cat',
    [COMMAND_MARKER]: commandId,
  };
}
