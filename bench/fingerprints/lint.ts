/** Findings to measure with: those of a linter with many rules on real files. They stand for what a reviewer says. */
import { ESLint } from 'eslint';
import tseslint from 'typescript-eslint';
import type { ReviewFinding } from '../../src/contract/index.ts';

export interface Finding extends ReviewFinding {
  rule: string;
  path: string;
  line: number;
}

/** Rules that look at one file at a time, with bounds that real code breaks. */
const RULES = {
  complexity: ['warn', 4],
  'max-params': ['warn', 3],
  'max-lines-per-function': ['warn', 25],
  'no-nested-ternary': 'warn',
  'no-continue': 'warn',
  'no-await-in-loop': 'warn',
  'no-param-reassign': 'warn',
  'no-negated-condition': 'warn',
  'no-plusplus': 'warn',
  'no-shadow': 'warn',
  'prefer-destructuring': 'warn',
  'no-constant-condition': 'warn',
  'no-empty-function': 'warn',
  'no-bitwise': 'warn',
  'no-void': 'warn',
  'no-control-regex': 'warn',
  'require-unicode-regexp': 'warn',
  'prefer-named-capture-group': 'warn',
  'no-magic-numbers': ['warn', { ignore: [0, 1, -1, 2], ignoreArrayIndexes: true }],
  'no-use-before-define': ['warn', { functions: false }],
  '@typescript-eslint/no-explicit-any': 'warn',
  '@typescript-eslint/no-non-null-assertion': 'warn',
} as const;

/** As two reviewers in turn, with not one rule in common. */
export const HALVES = Object.keys(RULES).map((rule, index) => ({ rule, half: index % 2 }));

const eslint = new ESLint({
  overrideConfigFile: true,
  overrideConfig: [
    {
      files: ['**/*.ts'],
      plugins: { '@typescript-eslint': tseslint.plugin },
      languageOptions: { parser: tseslint.parser },
      linterOptions: { reportUnusedDisableDirectives: 'off' },
      rules: RULES as never,
    },
  ],
});

/** @param files texts by path. */
export async function lint(files: ReadonlyMap<string, string>): Promise<Finding[]> {
  const found: Finding[] = [];
  for (const [path, text] of files) {
    const [result] = await eslint.lintText(text, { filePath: path });
    const said = new Set<string>();
    for (const { ruleId, message, line, endLine, fatal } of result?.messages ?? []) {
      // The same words about the same line say one thing, however often a linter says them.
      if (fatal === true || ruleId === null || said.has(`${line} ${message}`)) continue;
      said.add(`${line} ${message}`);
      found.push(toFinding(ruleId, message, path, line, endLine ?? line));
    }
  }
  return found;
}

function toFinding(rule: string, message: string, path: string, line: number, endLine: number): Finding {
  const codeLocation = { path, lineRange: { start: line, end: endLine }, inRepository: true, inDiff: null };
  return { rule, path, line, title: message, body: '', confidenceScore: 0.5, priority: 2, codeLocation };
}

/** The same said by somebody else, who does not know how the linter puts it. */
export function inOtherWords({ rule, title }: Pick<Finding, 'rule' | 'title'>): string {
  const [, name = 'it'] = /'([^']+)'/.exec(title) ?? [];
  const number = /(\d[\d_.]*)/.exec(title)?.[1] ?? '';
  return OTHER_WORDS[rule]?.(name, number) ?? title;
}

const OTHER_WORDS: Record<string, (name: string, number: string) => string> = {
  complexity: (name) => `Too complex: split ${name} into smaller functions with fewer branches`,
  'max-params': (name) => `Pass an object; ${name} takes a long list of parameters`,
  'max-lines-per-function': (name) =>
    `This function is long: ${name} should be broken into shorter pieces of few lines`,
  'no-nested-ternary': () => 'Ternaries inside ternaries are hard to read',
  'no-continue': () => 'Restructure the loop so that it needs no continue',
  'no-await-in-loop': () => 'Each iteration awaits the one before: the loop runs in sequence',
  'no-param-reassign': (name) => `The parameter ${name} is overwritten`,
  'no-negated-condition': () => 'Turn the condition around instead of negating it',
  'no-plusplus': () => 'Use += 1 rather than the ++ operator',
  'no-shadow': (name) => `${name} hides a variable of the outer scope: it shadows that declaration`,
  'prefer-destructuring': () => 'Destructure the object here',
  'no-constant-condition': () => 'The condition never changes: it is constant',
  'no-empty-function': (name) => `${name} has an empty body`,
  'no-bitwise': () => 'Bit operators are easily mistaken for logical ones: bitwise arithmetic',
  'no-void': () => 'void hides that the value is thrown away',
  'no-control-regex': () => 'The regular expression matches control characters',
  'require-unicode-regexp': () => 'Regular expression without the u flag',
  'prefer-named-capture-group': () => 'Give the capture group of this expression a name',
  'no-magic-numbers': (_, number) => `Give the magic value ${number} a name by a constant`,
  'no-use-before-define': (name) => `${name} is used above its definition`,
  '@typescript-eslint/no-explicit-any': () => 'any switches the type checker off',
  '@typescript-eslint/no-non-null-assertion': () => 'The ! asserts away a null that may be there',
};
