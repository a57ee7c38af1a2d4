// Editors that know ESLint only show the module boundaries by this file; all rules, these among them, are in oxlint.config.ts.
import nx from '@nx/eslint-plugin';
import tseslint from 'typescript-eslint';
import { moduleBoundaries } from './tools/lint/module-boundaries.mjs';

const rule = '@nx/enforce-module-boundaries';

export default tseslint.config(
  {
    ignores: ['**/dist/**', 'libs/*/cjs/**', '**/test-results/**', '**/node_modules/**', '.nx/**', '.countersign/**'],
  },
  // Comments that switch off a rule are for Oxlint, which finds those that are not needed.
  { files: ['**/*.{ts,tsx,mjs}'], linterOptions: { reportUnusedDisableDirectives: 'off' } },
  { files: ['**/*.{ts,tsx}'], languageOptions: { parser: tseslint.parser }, plugins: { '@nx': nx } },
  ...moduleBoundaries.map(({ files, options }) => ({
    files,
    rules: { [rule]: options === undefined ? 'off' : ['error', options] },
  })),
);
