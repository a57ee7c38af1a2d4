import { defineConfig } from 'oxlint';
import { moduleBoundaries } from './tools/lint/module-boundaries.mjs';

const errors = (...rules: readonly string[]) => Object.fromEntries(rules.map((rule) => [rule, 'error'] as const));

/** What is wrong in any file. */
const everywhere = errors(
  ...['for-direction', 'no-array-constructor', 'no-async-promise-executor', 'no-case-declarations'],
  ...['no-compare-neg-zero', 'no-cond-assign', 'no-constant-binary-expression', 'no-constant-condition'],
  ...['no-control-regex', 'no-debugger', 'no-delete-var', 'no-dupe-else-if', 'no-duplicate-case', 'no-empty'],
  ...['no-empty-character-class', 'no-empty-pattern', 'no-empty-static-block', 'no-ex-assign', 'no-extra-boolean-cast'],
  ...['no-fallthrough', 'no-global-assign', 'no-invalid-regexp', 'no-irregular-whitespace', 'no-loss-of-precision'],
  ...['no-misleading-character-class', 'no-nonoctal-decimal-escape', 'no-prototype-builtins', 'no-regex-spaces'],
  ...['no-self-assign', 'no-shadow-restricted-names', 'no-sparse-arrays', 'no-unsafe-finally'],
  ...['no-unsafe-optional-chaining', 'no-unused-expressions', 'no-unused-labels', 'no-unused-private-class-members'],
  ...['no-useless-backreference', 'no-useless-catch', 'no-useless-constructor', 'no-useless-escape', 'no-var'],
  ...['prefer-const', 'prefer-rest-params', 'prefer-spread', 'require-yield', 'use-isnan', 'valid-typeof'],
);

const ofTypeScript = errors(
  ...[
    ...['no-duplicate-enum-values', 'no-dynamic-delete', 'no-empty-object-type', 'no-explicit-any'],
    ...['no-extra-non-null-assertion', 'no-invalid-void-type', 'no-misused-new', 'no-non-null-assertion'],
    ...['no-non-null-asserted-nullish-coalescing', 'no-non-null-asserted-optional-chain', 'no-require-imports'],
    ...['no-this-alias', 'no-unnecessary-type-constraint', 'no-unsafe-declaration-merging', 'no-unsafe-function-type'],
    ...['no-wrapper-object-types', 'prefer-as-const', 'prefer-literal-enum-member', 'prefer-namespace-keyword'],
    ...['triple-slash-reference', 'unified-signatures'],
    // On TypeScript 7's engine, with --type-aware.
    ...['no-floating-promises', 'no-misused-promises'],
  ].map((rule) => `typescript/${rule}`),
);

/** What the compiler finds in TypeScript, and nobody else in plain modules. */
const ofPlainModules = errors(
  ...['constructor-super', 'getter-return', 'no-class-assign', 'no-const-assign', 'no-dupe-class-members'],
  ...['no-dupe-keys', 'no-func-assign', 'no-import-assign', 'no-new-native-nonconstructor', 'no-obj-calls'],
  ...['no-redeclare', 'no-setter-return', 'no-this-before-super', 'no-undef', 'no-unreachable', 'no-unsafe-negation'],
  ...['no-with', 'typescript/no-extraneous-class'],
);

/** The rules of hooks, and those of React's compiler. */
const ofReact = errors(
  ...[
    ...['rules-of-hooks', 'exhaustive-deps', 'static-components', 'use-memo', 'preserve-manual-memoization'],
    ...['incompatible-library', 'immutability', 'globals', 'refs', 'set-state-in-effect', 'error-boundaries'],
    ...['purity', 'set-state-in-render', 'unsupported-syntax'],
  ].map((rule) => `react/${rule}`),
);

export default defineConfig({
  plugins: ['typescript', 'react'],
  jsPlugins: [{ name: 'nx', specifier: '@nx/eslint-plugin' }],
  categories: { correctness: 'off' },
  options: { reportUnusedDisableDirectives: 'error' },
  ignorePatterns: ['**/dist/**', 'libs/*/cjs/**', '**/test-results/**', '**/node_modules/**'],
  rules: {
    ...everywhere,
    ...ofTypeScript,
    // A leading underscore excuses nothing.
    'no-unused-vars': ['error', { varsIgnorePattern: '^$', argsIgnorePattern: '^$', caughtErrorsIgnorePattern: '^$' }],
    'no-restricted-imports': [
      'error',
      {
        paths: [
          {
            name: '@nestjs/swagger',
            allowTypeImports: true,
            message: 'It would load at every start; decorate with OpenApi of @countersign/service-host.',
          },
        ],
      },
    ],
    'typescript/ban-ts-comment': ['error', { minimumDescriptionLength: 10 }],
    'typescript/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
    // Matchers of a test framework are declared in its own namespace.
    'typescript/no-namespace': ['error', { allowDeclarations: true }],
  },
  overrides: [
    ...moduleBoundaries.map(({ files, options }) => ({
      files,
      rules: {
        'nx/enforce-module-boundaries': options === undefined ? ('off' as const) : (['error', options] as const),
      },
    })),
    { files: ['apps/console/src/**/*.{ts,tsx}'], rules: ofReact },
    {
      files: ['**/*.mjs'],
      env: { node: true },
      // They have no types to go by.
      rules: { ...ofPlainModules, 'typescript/no-floating-promises': 'off', 'typescript/no-misused-promises': 'off' },
    },
  ],
});
