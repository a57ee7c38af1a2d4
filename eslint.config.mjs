import js from '@eslint/js';
import nx from '@nx/eslint-plugin';
import prettier from 'eslint-config-prettier';
import reactHooks from 'eslint-plugin-react-hooks';
import globals from 'globals';
import tseslint from 'typescript-eslint';

/** Specs may also use the test kit and real backing services. */
const boundaries = (nestMayUse, libMayUse = ['type:lib']) => ({
  enforceBuildableLibDependency: true,
  // A package's own import that Node and browsers resolve to different files.
  allow: ['#platform'],
  depConstraints: [
    { sourceTag: 'type:app', onlyDependOnLibsWithTags: ['type:lib', 'type:backing'] },
    { sourceTag: 'type:lib', onlyDependOnLibsWithTags: libMayUse },
    { sourceTag: 'type:tool', onlyDependOnLibsWithTags: ['type:lib', 'type:backing', 'type:stack'] },
    { sourceTag: 'type:stack', onlyDependOnLibsWithTags: ['type:lib', 'type:backing'] },
    { sourceTag: 'type:backing', onlyDependOnLibsWithTags: ['type:backing', 'layer:rights'] },
    { sourceTag: 'layer:rights', onlyDependOnLibsWithTags: ['layer:rights'], bannedExternalImports: ['*'] },
    {
      sourceTag: 'layer:core',
      onlyDependOnLibsWithTags: ['layer:core'],
      bannedExternalImports: ['@nestjs/*', 'passport*', 'pg', 'drizzle-orm', '@nats-io/*'],
    },
    { sourceTag: 'layer:nest', onlyDependOnLibsWithTags: nestMayUse },
    {
      sourceTag: 'layer:audit',
      onlyDependOnLibsWithTags: ['layer:core', ...libMayUse.filter((tag) => tag === 'type:backing')],
      bannedExternalImports: ['@nestjs/*'],
    },
    {
      sourceTag: 'layer:feed',
      onlyDependOnLibsWithTags: ['layer:core', ...libMayUse.filter((tag) => tag === 'type:backing')],
      bannedExternalImports: ['@nestjs/*'],
    },
    { sourceTag: 'layer:kit', onlyDependOnLibsWithTags: ['layer:core'] },
    {
      sourceTag: 'layer:host',
      onlyDependOnLibsWithTags: [
        'layer:core',
        'layer:nest',
        'layer:audit',
        'layer:feed',
        ...libMayUse.flatMap((tag) => (tag === 'type:backing' ? [tag, 'layer:kit'] : [])),
      ],
    },
  ],
});

export default tseslint.config(
  {
    ignores: [
      '**/dist/**',
      'libs/*/cjs/**',
      '**/test-results/**',
      '**/node_modules/**',
      '.nx/**',
      'tools/create-countersign/template/**',
      '.countersign/**',
    ],
  },
  js.configs.recommended,
  ...tseslint.configs.strict,
  {
    files: ['**/*.{ts,tsx}'],
    plugins: { '@nx': nx },
    // Rules that need types run in oxlint (.oxlintrc.json), on TypeScript 7's engine.
    languageOptions: { parserOptions: { experimentalDecorators: true, emitDecoratorMetadata: true } },
    rules: {
      '@nx/enforce-module-boundaries': ['error', boundaries(['layer:core'])],
      '@typescript-eslint/no-extraneous-class': 'off',
      // Matchers of a test framework are declared in its own namespace.
      '@typescript-eslint/no-namespace': ['error', { allowDeclarations: true }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          name: '@nestjs/swagger',
          allowTypeImports: true,
          message: 'It would load at every start; decorate with OpenApi of @countersign/service-host.',
        },
      ],
    },
  },
  {
    files: ['apps/console/src/**/*.{ts,tsx}'],
    ...reactHooks.configs.flat.recommended,
  },
  {
    files: ['**/*.spec.ts'],
    rules: {
      '@nx/enforce-module-boundaries': [
        'error',
        boundaries(['layer:core', 'layer:kit', 'type:backing'], ['type:lib', 'type:backing']),
      ],
    },
  },
  {
    // Examples import the project that they are in by its name, as its users do.
    files: ['libs/*/examples/**/*.ts'],
    rules: { '@nx/enforce-module-boundaries': 'off' },
  },
  {
    files: ['**/*.mjs'],
    languageOptions: { globals: globals.node },
  },
  prettier,
);
