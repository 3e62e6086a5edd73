/** `bobbin identity ...`: shows, replaces and revokes the agent identities of accounts. */
import type { Command } from 'commander';
import type { Bobbin } from '../../../client/index.ts';
import type { AccountIdentity } from '../../../contract/index.ts';
import { toLine } from '../../../reports/foreign-text.ts';
import { type CommonOptions, withBobbin } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { positive } from '../option-values.ts';
import type { Output } from '../text/output.ts';

type Body<O> = (bobbin: Bobbin, output: Output, account: string, options: O) => Promise<number>;

export function addIdentityCommands(program: Command): void {
  const identity = program.command('identity').description('show, replace and revoke the agent identities of accounts');
  const command = <O extends object>(name: string, description: string, example: string, body: Body<O>): Command =>
    identity
      .command(name)
      .description(description)
      .option('--data-dir <path>', 'data folder of the stack to use (default: yours)')
      .option('--json', 'print JSON instead of text')
      .addHelpText('after', `\nExample:\n  bobbin identity ${example}`)
      .action((...given: unknown[]) => {
        const self = given.at(-1) as Command;
        const options = self.opts<O & CommonOptions>();
        return withBobbin(options, (bobbin, output) => body(bobbin, output, self.args[0] ?? '', options));
      });

  command<{ limit: number }>('list', 'list the accounts that have an identity', 'list', list).option(
    '--limit <n>',
    'maximum number of accounts',
    positive,
    1_000,
  );
  command(
    'show',
    'show the identity of an account, its end, its policy and its last error',
    'show default',
    show,
  ).argument('<account>');
  command<{ identity?: string }>(
    'replace',
    'register a new identity for an account; its threads use it from their next model step on',
    'replace default --identity agent-runtime-1',
    replace,
  )
    .argument('<account>')
    .option(
      '--identity <id>',
      'the identity to replace: nothing happens if another one is in use (default: the one in use)',
    );
  command<{ identity?: string; reason?: string }>(
    'revoke',
    'stop the use of an identity and remove its key; no thread of the account has one until it is replaced',
    'revoke default --reason "the key was copied"',
    revoke,
  )
    .argument('<account>')
    .option('--identity <id>', 'the identity to revoke (default: the one in use)')
    .option('--reason <text>', 'the reason; stored, and shown to all who need the identity');
}

async function list(bobbin: Bobbin, output: Output, _: string, { limit }: { limit: number }): Promise<number> {
  const found = await bobbin.identities.list({ limit });
  const { identities, unread } = found;
  const lines = [
    ...identities.map(toSummary),
    ...unread.map((account) => `${account}  no worker answers for it`),
    ...(identities.length + unread.length === 0 ? ['no account has an identity'] : []),
  ];
  output.result(found, lines);
  return EXIT.ok;
}

async function show(bobbin: Bobbin, output: Output, account: string): Promise<number> {
  return print(output, await bobbin.identities.show(account));
}

async function replace(
  bobbin: Bobbin,
  output: Output,
  account: string,
  { identity }: { identity?: string },
): Promise<number> {
  const replacement = identity === undefined ? {} : { agentRuntimeId: identity };
  return print(output, await bobbin.identities.replace(account, replacement));
}

async function revoke(
  bobbin: Bobbin,
  output: Output,
  account: string,
  { identity, reason }: { identity?: string; reason?: string },
): Promise<number> {
  const revocation = {
    ...(identity === undefined ? {} : { agentRuntimeId: identity }),
    ...(reason === undefined ? {} : { reason }),
  };
  return print(output, await bobbin.identities.revoke(account, revocation));
}

function print(output: Output, found: AccountIdentity): number {
  output.result(found, describe(found));
  return EXIT.ok;
}

const STATUS = { none: 'no identity', inUse: 'in use', revoked: 'revoked' };

function toSummary(found: AccountIdentity): string {
  const { account, status, identity, lastError } = found;
  const end = identity?.expiresAt == null ? [] : [`until ${toLine(identity.expiresAt, 40)}`];
  const error = lastError === null ? [] : [`last error: ${toLine(lastError.code, 100)}`];
  const id = identity === null ? [] : [toLine(identity.agentRuntimeId, 200)];
  return [account, STATUS[status], ...id, ...end, ...error].join('  ');
}

function describe(found: AccountIdentity): string[] {
  const { account, status, identity, policy, isPinned, registering, renewsAt, lastError, revocation } = found;
  const time = (at: number) => new Date(at).toISOString();
  return [
    `${account}: ${STATUS[status]}`,
    ...(identity === null
      ? []
      : [
          `identity: ${toLine(identity.agentRuntimeId, 600)}`,
          `registered: ${toLine(identity.registeredAt, 40)}`,
          `ends: ${identity.expiresAt === null ? 'the service reports no end' : toLine(identity.expiresAt, 40)}`,
        ]),
    ...(renewsAt === null ? [] : [`replaced ahead at: ${time(renewsAt)}`]),
    ...(policy === null ? [] : [`policy: ${policy}`]),
    ...(isPinned ? ['used by a strict thread: only an operator replaces it'] : []),
    ...(registering ? ['one is being registered'] : []),
    ...(revocation === null
      ? []
      : [
          `revoked: ${toLine(revocation.agentRuntimeId, 600)} at ${time(revocation.at)}${revocation.reason === null ? '' : `: ${toLine(revocation.reason, 2_000)}`}`,
          ...(revocation.keyLeft === undefined
            ? []
            : [`its key is still there: ${toLine(revocation.keyLeft, 2_000)} Revoke it again.`]),
          ...(revocation.problem === null
            ? []
            : [`the service did not take part: ${toLine(revocation.problem, 2_000)}`]),
        ]),
    ...(lastError === null
      ? []
      : [`last error: ${toLine(lastError.code, 100)} at ${time(lastError.at)}: ${toLine(lastError.message, 2_000)}`]),
  ];
}
