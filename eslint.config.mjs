import js from '@eslint/js';
import tseslint from 'typescript-eslint';

const VARIABLE = 'VariableDeclaration';
const MODULE_VALUE = `:matches(Program, Program > ExportNamedDeclaration) > ${VARIABLE} > VariableDeclarator`;
const EMPTY = 'NewExpression[arguments.length=0][callee.name=/^(Weak)?(Map|Set)$/]';
const SHARED = 'This module is shared by all workflows of a worker: keep nothing in it.';

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
    // All workflows of a worker share these modules, so a module keeps nothing (docs/decisions/0006-shared-modules.md).
    files: ['workflows/**'],
    ignores: ['**/*.test.ts', '**/testing/**', '**/testing.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: `:matches(Program, Program > ExportNamedDeclaration) > ${VARIABLE}[kind!="const"]`,
          message: SHARED,
        },
        { selector: `${MODULE_VALUE} > ${EMPTY}`, message: SHARED },
        { selector: `${MODULE_VALUE} > Literal[regex.flags=/[gy]/]`, message: SHARED },
      ],
    },
  },
  {
    files: ['**/*.test.ts', 'test/**', 'bench/**'],
    rules: { '@typescript-eslint/no-non-null-assertion': 'off' },
  },
);
