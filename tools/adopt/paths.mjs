// Each way in, as its page says it, in a fresh project.
import { randomUUID } from 'node:crypto';
import { cpSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { generateSigningKey, publicJwkOf, signJwt } from '../../libs/auth-core/dist/index.js';
import { createTestIssuer } from '../../libs/test-kit/dist/index.js';
import { startBackingServices } from '../backing-services/dist/index.js';
import { blockOf, check, freePort, project, root, run, serve } from './project.mjs';

const nestMain = `import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { OrdersModule } from './page.js';
const app = await NestFactory.create(OrdersModule, { logger: ['error'] });
await app.listen(Number(process.env.PORT), '127.0.0.1');
`;
const expressMain = `import { app } from './page.js';
app.listen(Number(process.env.PORT), '127.0.0.1');
`;
const nest = (version) => [
  ...['common', 'core', 'platform-express'].map((part) => [`@nestjs/${part}`, version]),
  ['reflect-metadata', '^0.2.2'],
  ['rxjs', '^7.8.2'],
  ['@types/node', '^24.0.0'],
];

async function answers(folder, issuer, token) {
  const port = String(await freePort());
  const url = `http://127.0.0.1:${port}/orders/7`;
  const stop = await serve(folder, 'out/main.js', url, { PORT: port, ISSUER: issuer });
  try {
    await check(url, token);
  } finally {
    await stop();
  }
}

async function withIssuer(work) {
  const issuer = await createTestIssuer({ audience: 'orders', listen: true });
  try {
    await work(issuer.issuer, await issuer.mint({ subject: 'ada', scopes: ['orders:read'] }));
  } finally {
    await issuer.close();
  }
}

/** An issuer's keys and metadata, and one of its tokens, in memory. */
async function withMetadata(path, algorithm, header, claims, work) {
  const key = await generateSigningKey(algorithm);
  let issuer = '';
  const server = createServer((request, response) => {
    const document = /certs|jwks/.test(request.url)
      ? { keys: [publicJwkOf(key)] }
      : { issuer, jwks_uri: `${issuer}/protocol/openid-connect/certs` };
    response.setHeader('content-type', 'application/json').end(JSON.stringify(document));
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  issuer = `http://127.0.0.1:${server.address().port}${path}`;
  const now = Math.floor(Date.now() / 1_000);
  const common = { iss: issuer, sub: 'ada', aud: 'orders', jti: randomUUID(), iat: now, exp: now + 900 };
  try {
    await work(issuer, signJwt({ ...header, alg: key.alg, kid: key.kid }, { ...common, ...claims }, key));
  } finally {
    server.close();
  }
}

const withKeycloak = (work) =>
  withMetadata(
    '/realms/acme',
    'RS256',
    { typ: 'JWT' },
    { azp: 'shop', typ: 'Bearer', scope: 'openid', realm_access: { roles: ['clerk'] } },
    work,
  );
const withStandard = (work) =>
  withMetadata('', 'ES256', { typ: 'at+jwt' }, { client_id: 'shop', scope: 'orders:read' }, work);

const keycloakSide = (side, dependencies) => (folder, tarballs) =>
  withKeycloak(async (issuer, token) => {
    project(folder, tarballs, [...nest('^10.4.0'), ...dependencies], {
      'page.ts': blockOf('from-nest-keycloak-connect', side),
      'main.ts': nestMain,
    });
    await answers(folder, issuer, token);
  });

async function records(folder, tarballs, fixture, dependencies, beforeBuild) {
  const backing = await startBackingServices();
  try {
    const url = await backing.database('orders');
    const caller = `{ subject: 'ada', client_id: 'shop', actors: [], scopes: [], jti: '1' }`;
    const main = `import { readFileSync } from 'node:fs';
import * as example from './${fixture}.js';
const { pool, cancel } = example;
await pool.query(readFileSync('node_modules/@countersign/audit-client/outbox.sql', 'utf8'));
await pool.query('create table orders (id uuid primary key, cancelled boolean not null default false)');
const id = crypto.randomUUID();
await pool.query('insert into orders (id) values ($1)', [id]);
if ('dataSource' in example) await (example.dataSource as { initialize(): Promise<unknown> }).initialize();
await cancel(id, ${caller});
const { rows } = await pool.query("select cancelled, event->>'type' as type from orders join audit_outbox_event on event->>'subject' = 'order/' || orders.id");
const refused = await cancel(id, { ...${caller}, subject: '' }).then(() => 'recorded', (error: { code?: string }) => error.code);
console.log(JSON.stringify([rows, refused]));
process.exit(0);
`;
    const files = {
      'main.ts': main,
      'events.ts': readFileSync(join(root, 'libs/audit-client/examples/events.ts'), 'utf8'),
      [`${fixture}.ts`]: readFileSync(join(root, 'tools/adopt/fixtures', fixture, `${fixture}.ts`), 'utf8'),
    };
    const common = [
      ['@countersign/audit-client'],
      ['@countersign/audit-event'],
      ['pg', '^8.23.0'],
      ['@types/pg', '^8.0.0'],
      ['@types/node', '^24.0.0'],
    ];
    project(folder, tarballs, [...common, ...dependencies], files, { beforeBuild });
    const said = run(process.execPath, ['out/main.js'], folder, { DATABASE_URL: url }).trim();
    const expected = JSON.stringify([
      [{ cancelled: true, type: 'com.acme.orders.order.cancelled.v1' }],
      'EVENT_INVALID',
    ]);
    if (said !== expected) throw new Error(`said ${said}`);
  } finally {
    await backing.stop();
  }
}

/** By name: what `npm run adopt` measures. Each has its own folder and the packed libraries. */
export const paths = {
  'library, your issuer, Express': (folder, tarballs) =>
    withStandard(async (issuer, token) => {
      const dependencies = [
        ['@countersign/auth-core'],
        ['express', '^5.1.0'],
        ['@types/express', '^5.0.0'],
        ['@types/node', '^24.0.0'],
      ];
      project(folder, tarballs, dependencies, {
        'page.ts': blockOf('from-express-oauth2-jwt-bearer', 'after'),
        'main.ts': expressMain,
      });
      await answers(folder, issuer, token);
    }),
  'library, our issuer, Nest 12': (folder, tarballs) =>
    withIssuer(async (issuer, token) => {
      project(folder, tarballs, [['@countersign/auth'], ...nest('^12.0.0')], {
        'page.ts': blockOf('from-passport-jwt', 'after'),
        'main.ts': nestMain,
      });
      await answers(folder, issuer, token);
    }),
  'nest-keycloak-connect, before': keycloakSide('before', [
    ['nest-keycloak-connect', '^1.10.1'],
    ['keycloak-connect', '^26.1.1'],
    ['@nestjs/graphql', '^12.0.0'],
    ['graphql', '^16.0.0'],
  ]),
  'nest-keycloak-connect, after': keycloakSide('after', [['@countersign/auth']]),
  'new service, npm create': async (folder, tarballs) => {
    const name = 'my-orders';
    const backing = await startBackingServices({ services: [name] });
    const issuer = await createTestIssuer({ audience: name, listen: true });
    try {
      const packed = join(tarballs['@countersign/auth-core'].slice('file:'.length), '..');
      run('mkdir', ['-p', folder], root);
      run(
        process.execPath,
        [join(root, 'tools/create-countersign/dist/main.js'), name, '--directory', folder, '--packages', packed],
        root,
      );
      const service = join(folder, name);
      run('npm', ['install', '--prefer-offline', '--ignore-scripts'], service);
      run('npm', ['run', 'build'], service);
      const port = String(await freePort());
      const url = `http://127.0.0.1:${port}`;
      const stop = await serve(service, 'dist/main.js', `${url}/health/ready`, {
        ...{ PORT: port, HOST: '127.0.0.1', ISSUER_URL: issuer.issuer, DATABASE_URL: await backing.database(name) },
        ...{
          REVOCATION_AT_START: 'accept',
          NATS_URL: backing.nats.url,
          NATS_USER: name,
          NATS_PASSWORD: backing.passwords[name],
          CLIENT_KEY_FILE: 'secrets/client-key.json',
        },
      });
      const token = await issuer.mint({ subject: 'ada', scopes: [`${name}:read`, `${name}:write`] });
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
      const made = await fetch(`${url}/${name}`, { method: 'POST', headers, body: '{"reference":"first"}' });
      await check(`${url}/${name}/${(await made.json()).id}`, token).finally(stop);
    } finally {
      await issuer.close();
      await backing.stop();
    }
  },
  'audit events, TypeORM': (folder, tarballs) => records(folder, tarballs, 'typeorm', [['typeorm', '^1.1.1']]),
  'audit events, Prisma': (folder, tarballs) =>
    records(
      folder,
      tarballs,
      'prisma',
      [
        ['prisma', '^7.10.0'],
        ['@prisma/client', '^7.10.0'],
        ['@prisma/adapter-pg', '^7.10.0'],
      ],
      (at) => {
        cpSync(join(root, 'tools/adopt/fixtures/prisma/schema.prisma'), join(at, 'schema.prisma'));
        // Generating needs no engine; only its download would need another host.
        run('npx', ['prisma', 'generate', '--schema', 'schema.prisma'], at, {
          PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
        });
      },
    ),
};
