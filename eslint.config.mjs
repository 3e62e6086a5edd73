import js from '@eslint/js';
import tseslint from 'typescript-eslint';

const VARIABLE = 'VariableDeclaration';
const MODULE_VALUE = `:matches(Program, Program > ExportNamedDeclaration) > ${VARIABLE} > VariableDeclarator`;
const EMPTY = 'NewExpression[arguments.length=0][callee.name=/^(Weak)?(Map|Set)$/]';
const SHARED = 'This module is shared by all workflows of a worker: keep nothing in it.';
const SHARED_MODULES = [
  `:matches(Program, Program > ExportNamedDeclaration) > ${VARIABLE}[kind!="const"]`,
  `${MODULE_VALUE} > ${EMPTY}`,
  `${MODULE_VALUE} > Literal[regex.flags=/[gy]/]`,
].map((selector) => ({ selector, message: SHARED }));
const TESTS = ['**/*.test.ts', '**/testing/**', '**/testing.ts'];

// What a kind of task is like, its file says: others ask `tasks`, or the traits in `src/contract/plain/turn-kinds.ts`.
const KIND = 'Literal[value=/^(regular|user_shell|compact|review|undo|redo|ghost_snapshot)$/]';
const ASKS_KIND = ':matches([name="kind"], [property.name="kind"])';
const asked = (selector) => ({
  selector,
  message: 'Ask the kind: workflows/thread/tasks/task.ts, contract/plain/turn-kinds.ts.',
});
const KIND_COMPARED = [
  `BinaryExpression:has(> ${ASKS_KIND}) > ${KIND}`,
  `SwitchStatement:has(> ${ASKS_KIND}.discriminant) > SwitchCase > ${KIND}.test`,
  `CallExpression[callee.property.name="includes"] > MemberExpression.callee > ArrayExpression > ${KIND}`,
  `NewExpression[callee.name="Set"] > ArrayExpression > ${KIND}`,
  'Property > Identifier.key[name=/^(user_shell|ghost_snapshot)$/]',
].map(asked);
const KIND_NAMED = asked(`Property[key.name="kind"] > ${KIND}`);

// Foreign text reaches a terminal through one module, which makes it harmless.
const STANDARD = 'MemberExpression[object.name="process"][property.name=/^std(out|err)$/]';
const PRINTED_BESIDE = [
  `CallExpression[callee.property.name="write"] > MemberExpression > ${STANDARD}`,
  'CallExpression > MemberExpression[object.name="console"]',
  `VariableDeclarator > ${STANDARD}.init`,
  'ImportDeclaration[source.value=/^(node:)?(console|process)$/]',
].map((selector) => ({ selector, message: 'Print with src/interfaces/cli/text/output.ts.' }));

export default tseslint.config(
  { ignores: ['dist', 'node_modules', '.bobbin', 'bench/peers', 'bench/report-tools/node_modules'] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      '@typescript-eslint/no-floating-promises': ['error', { ignoreVoid: true }],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
    },
  },
  {
    files: ['**/*.mjs', '**/*.cjs'],
    extends: [tseslint.configs.disableTypeChecked],
  },
  {
    files: ['examples/02-service/page.mjs'],
    languageOptions: {
      globals: { document: 'readonly', fetch: 'readonly', FormData: 'readonly', EventSource: 'readonly' },
    },
  },
  {
    // All workflows of a worker share these modules, so a module keeps nothing (docs/decisions/0006-shared-modules.md).
    files: ['workflows/**'],
    ignores: TESTS,
    rules: { 'no-restricted-syntax': ['error', ...SHARED_MODULES] },
  },
  {
    files: ['workflows/**'],
    ignores: [...TESTS, 'workflows/thread/tasks/**', 'workflows/sandbox/message-rules.ts'],
    rules: { 'no-restricted-syntax': ['error', ...SHARED_MODULES, ...KIND_COMPARED, KIND_NAMED] },
  },
  {
    files: ['activities/**', 'src/**'],
    ignores: [...TESTS, 'src/contract/**'],
    rules: { 'no-restricted-syntax': ['error', ...KIND_COMPARED] },
  },
  {
    files: ['src/interfaces/cli/**'],
    ignores: [...TESTS, 'src/interfaces/cli/text/output.ts', 'src/interfaces/cli/node-version.ts'],
    rules: { 'no-restricted-syntax': ['error', ...KIND_COMPARED, ...PRINTED_BESIDE] },
  },
  {
    files: ['**/*.test.ts', 'test/**', 'bench/**', 'eval/**'],
    rules: { '@typescript-eslint/no-non-null-assertion': 'off' },
  },
);
