/**
 * Paths that a command in the sandbox cannot read although the worker could: credentials, keys, browser profiles and
 * shell histories. `BOBBIN_DENY_READ` adds to the list, `BOBBIN_ALLOW_READ` removes from it.
 */
import { readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { homesOf } from '../../../folders/own-settings.ts';
import { readVariable } from '../../../folders/variables.ts';

const IN_A_HOME = [
  // Keys and sign-ins
  ...['.ssh', '.gnupg', '.password-store', '.pki', '.netrc', '.git-credentials', '.vault-token', '.pgpass', '.my.cnf'],
  ...['.mylogin.cnf', '.Xauthority', '.ICEauthority', '.config/git/credentials', '.config/sops', '.config/age'],
  ...['.config/op', '.config/Bitwarden', '.config/Bitwarden CLI', '.config/keepassxc', '.local/share/keyrings'],
  ...['.local/share/kwalletd', '.kde/share/apps/kwallet', '.config/Yubico', '.config/rclone', '.config/sshfs'],
  // Of the Temporal service, and of editors
  ...['.config/temporalio', '.config/Code', '.config/Code - Insiders', '.config/VSCodium', '.config/Cursor'],
  ...['.vscode-server/data', '.cursor-server/data', '.config/zed', '.config/JetBrains', '.local/share/zed'],
  // Clouds and clusters
  ...['.aws', '.azure', '.kube', '.minikube', '.config/gcloud', '.config/doctl', '.config/hcloud', '.config/scw'],
  ...['.config/heroku', '.config/netlify', '.config/fly', '.fly', '.vercel', '.config/vercel', '.oci', '.boto'],
  ...['.s3cfg', '.terraform.d', '.terraformrc', '.pulumi', '.bluemix', '.databrickscfg', '.snowflake', '.snowsql'],
  // Engines that hand out the machine, and their sockets
  ...['.docker', '.colima', '.lima', '.rd', '.orbstack', '.config/containers', '.local/share/containers'],
  // Forges and package registries
  ...[
    '.config/gh',
    '.config/hub',
    '.config/glab-cli',
    '.config/tea',
    '.npmrc',
    '.yarnrc',
    '.yarnrc.yml',
    '.bunfig.toml',
  ],
  ...['.pypirc', '.config/pip', '.pip', '.cargo/credentials', '.cargo/credentials.toml', '.gem/credentials'],
  ...['.composer/auth.json', '.config/composer/auth.json', '.m2/settings.xml', '.m2/settings-security.xml'],
  ...['.gradle/gradle.properties', '.nuget/NuGet', '.config/NuGet', '.hex', '.config/hatch', '.config/pypoetry'],
  ...['.huggingface', '.cache/huggingface/token', '.kaggle', '.config/openai', '.config/anthropic'],
  // Other agents
  ...['.codex', '.claude', '.claude.json', '.gemini', '.config/github-copilot', '.aider.conf.yml'],
  // Browsers and mail
  ...['.mozilla', '.thunderbird', '.config/google-chrome', '.config/google-chrome-beta', '.config/chromium'],
  ...['.config/BraveSoftware', '.config/microsoft-edge', '.config/vivaldi', '.config/opera', '.librewolf', '.zen'],
  ...[
    '.var/app',
    'snap/firefox',
    'snap/chromium',
    'snap/thunderbird',
    '.config/Slack',
    '.config/discord',
    '.config/Signal',
  ],
  ...['Library/Keychains', 'Library/Application Support/Google/Chrome', 'Library/Application Support/Firefox'],
  // Histories
  ...['.bash_history', '.zsh_history', '.zsh_sessions', '.histfile', '.history', '.local/share/fish/fish_history'],
  ...['.python_history', '.node_repl_history', '.psql_history', '.mysql_history', '.sqlite_history', '.irb_history'],
  ...['.rediscli_history', '.mongosh', '.dbshell', '.lesshst', '.viminfo', '.local/state/nvim', '.wget-hsts'],
];

const OF_THE_MACHINE = [
  ...['/etc/shadow', '/etc/shadow-', '/etc/gshadow', '/etc/gshadow-', '/etc/sudoers', '/etc/sudoers.d'],
  ...['/etc/ssl/private', '/etc/pki/tls/private', '/etc/letsencrypt', '/etc/krb5.keytab', '/etc/wireguard'],
  ...['/etc/NetworkManager/system-connections', '/etc/ppp', '/etc/ipsec.secrets', '/etc/openvpn'],
  ...['/etc/kubernetes', '/etc/rancher', '/var/lib/kubelet', '/var/lib/docker', '/var/lib/containerd'],
  ...['/var/lib/lxd', '/var/lib/incus', '/var/snap/lxd', '/var/lib/libvirt', '/var/lib/NetworkManager', '/var/lib/sss'],
  ...['/var/spool/cron', '/var/spool/mail', '/var/mail', '/var/log', '/var/backups', '/var/db/sudo'],
  ...['ecdsa', 'ed25519', 'rsa', 'dsa'].map((kind) => `/etc/ssh/ssh_host_${kind}_key`),
];

/** Variables of the worker that name a file with one of its secrets. */
const OWN_FILES = [
  'BOBBIN_MCP_CONFIG',
  'TEMPORAL_CONFIG_FILE',
  'TEMPORAL_TLS_CLIENT_KEY_PATH',
  'NPM_CONFIG_USERCONFIG',
];

function toOwnFile(path: string | undefined): string[] {
  return path === undefined || path === '' ? [] : [resolve(path)];
}

/** Absolute paths; no machine has all of them. */
export function listDeniedPaths(env: NodeJS.ProcessEnv = process.env): string[] {
  const paths = [
    ...homes(env).flatMap((home) => IN_A_HOME.map((name) => join(home, name))),
    ...OF_THE_MACHINE,
    ...toPaths(readVariable(env, 'BOBBIN_DENY_READ')),
    ...OWN_FILES.flatMap((name) => toOwnFile(env[name])),
  ];
  const allowed = new Set(toPaths(readVariable(env, 'BOBBIN_ALLOW_READ')));
  return [...new Set(paths)].filter((path) => !allowed.has(path));
}

/** As root, the worker can read the homes of all users. */
function homes(env: NodeJS.ProcessEnv): string[] {
  return [...new Set([...homesOf(env), ...(process.getuid?.() === 0 ? ['/root', ...foldersIn('/home')] : [])])];
}

function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder).map((name) => join(folder, name));
  } catch {
    return [];
  }
}

function toPaths(list: string | undefined): string[] {
  return (list ?? '')
    .split(delimiter)
    .map((path) => path.trim().replace(/^~(?=\/|$)/, homedir()))
    .filter((path) => isAbsolute(path))
    .map((path) => (path.length > 1 ? path.replace(/\/+$/, '') : path));
}
