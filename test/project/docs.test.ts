import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FAILURES } from '../../activities/failures.ts';
import { BOBBIN_ERROR_CODES } from '../../src/client/bobbin-error.ts';
import { REJECTION_CODES } from '../../src/contract/plain/rejection-codes.ts';
import { WORKFLOW_CODES } from '../../src/contract/plain/workflow-codes.ts';
import { loadRows } from '../escape/run-rows.ts';
import { toMarkdownTable } from '../escape/table.ts';

const root = join(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');
const pages = [
  'README.md',
  'AGENTS.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => join('docs', file)),
];

/** The string literals of a union type. */
function membersOf(file: string, type: string): string[] {
  const [, union = ''] = new RegExp(`export type ${type} =([^;]*);`).exec(read(file)) ?? [];
  return [...union.matchAll(/'(\w+)'/g)].map(([, member = '']) => member);
}

/** Codes that workflows write out instead of naming one of `WORKFLOW_CODES`. */
function bareCodesInWorkflows(): string[] {
  const files = readdirSync(join(root, 'workflows'), { recursive: true, encoding: 'utf8' });
  const sources = files.filter((file) => file.endsWith('.ts') && !/\.test\.ts$|testing/.test(file));
  const code = /\bcode: (?:[^\n,]*\? )?'(\w+)'|\bfailed\('(\w+)'|nonRetryable\([^;]*?, '(\w+)'[,)]/g;
  return sources.flatMap((file) =>
    [...read(join('workflows', file)).matchAll(code)].map((match) => match.slice(1).find(Boolean) ?? ''),
  );
}

/** As the forge makes it from a heading. */
function toAnchor(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}_ -]/gu, '')
    .replaceAll(' ', '-');
}

function anchorsOf(page: string): string[] {
  return [...read(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => toAnchor(heading));
}

describe('the documentation', () => {
  it.each([
    ['a step', Object.keys(FAILURES)],
    ['a workflow', Object.keys(WORKFLOW_CODES)],
    ['a rejected message', REJECTION_CODES],
    ['the client', BOBBIN_ERROR_CODES],
    ['the embedded service', membersOf('src/dev/temporal-service/run/service-error.ts', 'TemporalServiceErrorCode')],
  ])('has a section for every error code of %s', (_, codes) => {
    const sections = new Set([...read('docs/errors.md').matchAll(/^### (\w+)$/gm)].map((match) => match[1]));
    expect(codes.length).toBeGreaterThan(5);
    expect(codes.filter((code) => !sections.has(code))).toEqual([]);
  });

  it('has every code from one of those lists', () => {
    const declared = [...[...Object.keys(FAILURES), ...Object.keys(WORKFLOW_CODES)], ...BOBBIN_ERROR_CODES];
    expect(bareCodesInWorkflows().filter((code) => !declared.includes(code))).toEqual([]);
    expect(bareCodesInWorkflows().filter((code) => code in WORKFLOW_CODES)).toEqual([]);
  });

  it('names every message of a thread, and counts them', () => {
    const messages = [...read('workflows/thread/shell/messages.ts').matchAll(/= define(\w+)<.*\((\w+|'\w+')\);$/gm)];
    const names = messages.map(([, , name = '']) => (name === 'CLOSED_RUN_QUERY' ? 'closedRun' : name.slice(1, -1)));
    const contract = read('docs/contract.md');
    expect(names.filter((name) => !contract.includes(`\`${name}\``))).toEqual([]);
    const count = (kind: string) => messages.filter(([, of]) => of === kind).length;
    expect([count('Signal'), count('Update'), count('Query')]).toEqual([10, 9, 8]);
    expect(contract).toContain('ten signals, nine updates and eight queries');
    expect(read('README.md')).toContain('Ten signals, nine updates and eight queries');
  });

  it('names the Node.js that the package asks for, and the one that the scripts run', () => {
    const { engines, devDependencies } = JSON.parse(read('package.json')) as Record<string, Record<string, string>>;
    const [floor, pinned] = [
      engines?.['node']?.replace('>=', '') ?? '',
      devDependencies?.['node']?.split('.')[0] ?? '',
    ];
    expect(read('README.md')).toContain(`pinned Node.js ${pinned} `);
    expect(read('README.md')).toContain(`Node.js ${floor} or later`);
    expect(read('.nvmrc').trim()).toBe(pinned);
  });

  it.each(pages)('%s links only to what is there', (page) => {
    const links = [...read(page).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)/g)].map(([, file = '', anchor]) => ({
      file: file === '' ? page : relative(root, resolve(root, dirname(page), file)),
      anchor,
    }));
    expect(links.filter(({ file }) => !existsSync(join(root, file)))).toEqual([]);
    const toSections = links.filter(({ file, anchor }) => anchor !== undefined && file.endsWith('.md'));
    expect(toSections.filter(({ file, anchor = '' }) => !anchorsOf(file).includes(anchor))).toEqual([]);
  });

  it.each(pages)('%s names only source files that are there', (page) => {
    const paths = [
      ...read(page).matchAll(
        /`((?:src|workflows|activities|test|bench(?!\/results)|examples|docs|deploy)\/[\w./-]+)`/g,
      ),
    ];
    expect(paths.map(([, path = '']) => path).filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  it('names every variable that the worker reads', () => {
    const variables = new Set(read('src/worker/config.ts').match(/\bBOBBIN_[A-Z_]+\b/g));
    const page = read('docs/configuration.md');
    expect([...variables].filter((name) => !page.includes(name))).toEqual([]);
  });

  it('shows every way out that is tried, as it is tried', async () => {
    const page = read('docs/security.md');
    const [, table] = /<!-- rows: .* -->\n([\s\S]*)<!-- \/rows -->/.exec(page) ?? [];
    expect(table).toBe(toMarkdownTable(await loadRows()));
  });
});
