/** `bobbin data`: imports what earlier releases stored in a repository into the data folder of the person. */
import type { Command } from 'commander';
import { BobbinError } from '../../../client/bobbin-error.ts';
import type { FormerData } from '../../../dev/former-data.ts';
import { type CommonOptions, dataDirectoryOf, runCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import type { Output } from '../text/output.ts';
import { plural } from '../../../contract/plain/plural.ts';

interface ImportOptions extends CommonOptions {
  withMcp?: boolean;
  yes?: boolean;
}

export function addDataCommands(program: Command): void {
  program
    .command('data')
    .description('manage the folder where Bobbin stores its data')
    .command('import [folder]')
    .description('show the contents of the .bobbin folder of a repository; with --yes, copy them into the data folder')
    .option('--yes', 'copy threads, keys, archive and remembered answers')
    .option('--with-mcp', 'copy its mcp.json too; Bobbin then starts the programs that it names')
    .option('--data-dir <path>', 'destination (default: your data folder)')
    .option('--json', 'print JSON instead of text')
    .addHelpText('after', '\nExample:\n  bobbin data import ~/work/my-repository --yes')
    .action((folder: string | undefined, options: ImportOptions) =>
      runCommand(options, (output) => importData(folder ?? process.cwd(), options, output)),
    );
}

async function importData(folder: string, options: ImportOptions, output: Output): Promise<number> {
  const { findFormerData, importFormerData, readFormerData } = await import('../../../dev/former-data.ts');
  const dataDirectory = dataDirectoryOf(options);
  const path = findFormerData(folder, dataDirectory);
  if (path === null) throw new BobbinError('invalid', `There is no .bobbin in ${folder} to import.`);
  const found = readFormerData(path);
  const copied = options.yes === true;
  if (copied) await importFormerData(path, dataDirectory, options.withMcp === true);
  const end = copied
    ? `Copied to ${dataDirectory}. ${path} was not changed; remove it when you no longer need it.`
    : 'Nothing was copied. If all of this is yours, run the command again with --yes. Its remembered answers then apply without asking.';
  output.result({ ...found, copied }, [...describe(found, options), '', end]);
  return EXIT.ok;
}

function describe(found: FormerData, { withMcp }: ImportOptions): string[] {
  const { path, databaseBytes, keyFiles, archiveFiles, rules, mcpConfig } = found;
  return [
    `${path}:`,
    `  database   ${plural(databaseBytes, 'byte')}`,
    `  keys       ${plural(keyFiles, 'file')}`,
    `  archive    ${plural(archiveFiles, 'file')}`,
    `  answers    ${rules.length}`,
    ...rules.flatMap(indent),
    ...(mcpConfig === null
      ? []
      : [`  mcp.json   ${withMcp ? 'included, with its programs' : 'left out; --with-mcp includes it'}`]),
    ...(mcpConfig === null ? [] : indent(mcpConfig)),
  ];
}

/** The text of the file, with escapes for everything that could control a terminal or change the reading order. */
function indent(text: string): string[] {
  const visible = text
    .trimEnd()
    .replace(/[^\n\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return visible.split('\n').map((line) => `    ${line}`);
}
