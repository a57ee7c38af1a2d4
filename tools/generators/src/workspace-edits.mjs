// What a new service needs outside its own folder. Each edit fails when the file is not as it knows it, rather than do half, and
// keeps what is there already.

function replaced(text, pattern, replacement, what) {
  if (!pattern.test(text)) throw new Error(`${what} is not where the generator looks for it (${pattern})`);
  return text.replace(pattern, replacement);
}

const list = /export const natsServices = \[([^\]]*)\] as const;/;

/** The services in the one list that the stack, NATS's permissions and compose's identities are made from. */
export function servicesIn(text) {
  const [, names = ''] = list.exec(text) ?? [];
  return [...names.matchAll(/'([\w-]+)'/g)].map(([, name]) => name);
}

export function addToServices(text, name) {
  if (servicesIn(text).includes(name)) return text;
  const names = [...servicesIn(text), name].map((one) => `'${one}'`).join(', ');
  return replaced(text, list, `export const natsServices = [${names}] as const;`, 'the list of services');
}

export function addToDatabases(text, name) {
  if (new RegExp(`for service in (.* )?${name}( .*)?; do`).test(text)) return text;
  return replaced(text, /for service in ([\w -]+); do/, `for service in $1 ${name}; do`, 'the list of databases');
}

export function addToDockerfile(text, name, port) {
  if (text.includes(`FROM service AS ${name}\n`)) return text;
  const target = `FROM service AS ${name}
ENV PORT=${port}
COPY --from=${name}-packages /runtime ./
CMD ["node", "apps/${name}/dist/main.js"]

`;
  const packages = `FROM packages AS ${name}-packages
RUN --mount=type=cache,target=/root/.npm runtime-packages ${name}
`;
  const built = replaced(
    text,
    /(nx run-many -t build -p [\w,-]+),cli,stack/,
    `$1,${name},cli,stack`,
    'the build of the images',
  );
  const packed = replaced(built, /(?=FROM packages AS cli-packages\n)/, packages, 'the packages of the images');
  return replaced(packed, /(?=# The command line: )/, target, 'the place for a new image');
}

export function addToCompose(text, name, port) {
  if (text.includes(`\n  ${name}:\n    <<: *service\n`)) return text;
  const migration = `  migrate-${name}:
    <<: *migration
    build: { context: ., target: ${name} }
    image: countersign/${name}
    command: ['node', 'apps/${name}/dist/main.js', 'migrate']
    volumes: ['${name}-migration:/run/secrets/migration:ro']

`;
  const entry = `  ${name}:
    <<: *service
    build: { context: ., target: ${name} }
    image: countersign/${name}
    depends_on:
      migrate-${name}: { condition: service_completed_successfully }
      postgres: { condition: service_healthy }
      issuer: { condition: service_healthy }
    environment:
      ISSUER_URL: http://issuer.localhost:4000
      ALLOW_PLAIN_HTTP: 'true'
      RESOURCE_URL: http://${name}:${port}
      KEYS_FILE: /var/lib/countersign/keys.json
      REVOCATION_KEYS_FILE: /var/lib/countersign/revocation-keys.json
      REVOCATION_LIST_FILE: /var/lib/countersign/revocations.json
      DATABASE_URL_FILE: /run/secrets/${name}/database-url
      NATS_URL: nats://nats:4222
      NATS_USER: ${name}
      NATS_PASSWORD_FILE: /run/secrets/${name}/nats-password
      CLIENT_ID: ${name}
      CLIENT_KEY_FILE: /run/secrets/${name}/client-key.json
    volumes: ['${name}-secrets:/run/secrets/${name}:ro', '${name}-state:/var/lib/countersign']
    ports: ['127.0.0.1:\${${name.toUpperCase().replaceAll('-', '_')}_PORT:-${port}}:${port}']

`;
  const mounted = replaced(
    text,
    /(?=\n {6}- postgres-secrets:\/secrets\/postgres)/,
    `\n      - ${name}-secrets:/secrets/${name}\n      - ${name}-migration:/secrets/${name}-migration`,
    'the volumes of the identities',
  );
  const migrated = replaced(mounted, /(?=^ {2}issuer:$)/m, migration, 'the place for a new migration');
  const served = replaced(
    migrated,
    /(?=^ {2}# One payment, as an application)/m,
    entry.replaceAll('$', '$$$$'),
    'the place for a new service',
  );
  return replaced(
    served,
    /(?=^ {2}postgres-secrets:$)/m,
    `  ${name}-secrets:\n  ${name}-migration:\n  ${name}-state:\n`,
    'the volumes',
  );
}
