// What may import what, by the tags in each project's package.json: the options of @nx/enforce-module-boundaries.

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
    { sourceTag: 'type:arbitraries', onlyDependOnLibsWithTags: ['type:arbitraries'] },
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

const sources = boundaries(['layer:core']);
const withArbitraries = ({ depConstraints, ...rest }) => ({
  ...rest,
  // They are read as sources: a build of them would stand before every other one.
  enforceBuildableLibDependency: false,
  depConstraints: depConstraints.map(({ onlyDependOnLibsWithTags: tags, ...constraint }) => ({
    ...constraint,
    onlyDependOnLibsWithTags: [...tags, 'type:arbitraries'],
  })),
});
/** Specs may also use the test kit, real backing services and the arbitraries. */
const specs = withArbitraries(boundaries(['layer:core', 'layer:kit', 'type:backing'], ['type:lib', 'type:backing']));

/** The options by the files that they are for; the last entry that fits a file counts. `undefined`: the rule is off. */
export const moduleBoundaries = [
  { files: ['**/*.{ts,tsx}'], options: sources },
  { files: ['**/*.spec.ts'], options: specs },
  // Examples import the project that they are in by its name, as its users do.
  { files: ['libs/*/examples/**/*.ts'], options: undefined },
];
