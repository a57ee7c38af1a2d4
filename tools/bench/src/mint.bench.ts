import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateSigningKey, publicJwkOf } from '@countersign/auth-core';
import { freePort, startOwnBackingServices } from '@countersign/backing-services';
import { type Benchmark, type Metric } from './benchmark.js';
import { backingOf } from './mint/backing.js';
import { Contestant, type Arena } from './mint/contestant.js';
import { mintFloor } from './mint/floor.js';
import { type LoadOrder } from './mint/load-order.js';
import { confirmEvents } from './mint/receipts.js';
import { APPLICATION, IssuerCodes, PUBLIC_APPLICATION, REDIRECT } from './mint/codes.js';
import { personRounds } from './mint/person-rounds.js';
import { pathOf, startPinned, untilReady } from './processes.js';
import { interleave } from './rounds.js';

const CONNECTIONS = 64;
const OUR_REQUESTS = 8_000;
const PEER_REQUESTS = 4_000;
/** Installations of the public client, each with its own key. */
const INSTALLATIONS = 64;

const parts = [
  'authorization_code',
  'refresh_token',
  'authorization_code.public',
  'refresh_token.public',
  'client_credentials',
] as const;

/** Of the ratios; one without is only stated. */
const goals: Readonly<Partial<Record<(typeof parts)[number], number>>> = {
  client_credentials: 3,
  authorization_code: 2,
  refresh_token: 2,
};

const benchmark: Benchmark = {
  description:
    'client_credentials, and authorization_code and refresh_token for a person, with private_key_jwt (ES256), and for a public client with PKCE and DPoP, over HTTP: the issuer, its records and the audit event on disk (fsync) before the answer, against oidc-provider in memory; each server on one core, the load on the other, PostgreSQL and NATS beside the load, and then on the core of the issuer. A bare node:http server with the two signatures shows how far Node goes.',
  parts,
  async run({ rounds, progress, measured, wants }) {
    const folder = mkdtempSync(join(tmpdir(), 'mint-'));
    const [client, signing] = await Promise.all([generateSigningKey(), generateSigningKey()]);
    const proofKeys = await Promise.all(Array.from({ length: INSTALLATIONS }, () => generateSigningKey()));
    const backing = await startOwnBackingServices({ durable: true });
    const [ourPort, peerPort, barePort] = [await freePort(), await freePort(), await freePort()];
    const policy = { audiences: { payments: ['payments:create'] } };
    const jwks = { keys: [publicJwkOf(client)] };
    const application = {
      ...{ client_name: 'App', publisher: 'App Ltd', redirect_uris: [REDIRECT] },
      grant_types: ['authorization_code', 'refresh_token'],
      policy: { people: { issuer: ['offline_access'], payments: ['payments:create'] } },
    };
    const clients = [
      { client_id: 'bench', jwks, policy },
      { ...application, client_id: APPLICATION, jwks },
      { ...application, client_id: PUBLIC_APPLICATION, token_endpoint_auth_method: 'none' },
    ];
    const audiences = { payments: { title: 'Payments', scopes: { 'payments:create': { title: 'Pay' } } } };
    writeFileSync(join(folder, 'clients.json'), JSON.stringify({ audiences, clients }));
    const url = `http://127.0.0.1:${String(ourPort)}`;
    const databaseUrl = await backing.database('issuer');
    const ours = startPinned(pathOf('../../../apps/issuer/dist/main.js'), 0, {
      PORT: String(ourPort),
      ISSUER_URL: url,
      LOG_LEVEL: 'warn',
      DATABASE_URL: databaseUrl,
      NATS_URL: backing.nats.url,
      NATS_USER: 'issuer',
      NATS_PASSWORD: backing.passwords.issuer,
      CLIENTS_FILE: join(folder, 'clients.json'),
      KEY_ENCRYPTION_KEYS: `bench:${randomBytes(32).toString('base64url')}`,
      RATE_LIMIT_CLIENT_PER_MINUTE: '0',
      RATE_LIMIT_ADDRESS_PER_MINUTE: '0',
    });
    const peer = startPinned(pathOf('mint/oidc-provider.js'), 0, {
      MINT_PEER: JSON.stringify({ port: peerPort, client: publicJwkOf(client), signing }),
    });
    const bare = startPinned(pathOf('mint/bare-http.js'), 0, {
      MINT_BARE: JSON.stringify({ port: barePort, client: publicJwkOf(client), signing }),
    });
    const load = startPinned(pathOf('mint/load.js'), 1, {});
    const children = [ours, peer, bare, load];
    const ended = new AbortController();
    let confirming: Promise<void> | undefined;
    let codes: IssuerCodes | undefined;
    try {
      await Promise.all([untilReady(`${url}/health/ready`, ours), once(peer, 'message'), once(bare, 'message')]);
      const auditNats = { url: backing.nats.url, user: 'audit', password: backing.passwords.audit };
      confirming = confirmEvents(auditNats, ended.signal);
      const common = { key: client, connections: CONNECTIONS };
      const grant = { grant_type: 'client_credentials', scope: 'payments:create' };
      const ourOrder: LoadOrder = {
        ...common,
        port: ourPort,
        path: '/oauth2/token',
        audience: url,
        form: { ...grant, audience: 'payments' },
        requests: OUR_REQUESTS,
      };
      const peerOrder: LoadOrder = {
        ...common,
        port: peerPort,
        path: '/token',
        audience: `http://127.0.0.1:${String(peerPort)}`,
        form: { ...grant, resource: 'urn:payments' },
        requests: PEER_REQUESTS,
      };
      const bareOrder: LoadOrder = { ...ourOrder, port: barePort };
      codes = await IssuerCodes.open(databaseUrl);
      const confidential = personRounds(load, {
        ...{ codes, peer },
        ourOrder: { ...ourOrder, clientId: APPLICATION },
        peerOrder: { ...peerOrder, clientId: 'bench' },
      });
      const ofInstallation = { key: undefined, proofKeys, clientId: PUBLIC_APPLICATION };
      const unproven = personRounds(load, {
        ...{ codes, peer },
        ourOrder: { ...ourOrder, ...ofInstallation },
        peerOrder: { ...peerOrder, ...ofInstallation },
      });
      const orders = {
        ...confidential,
        'authorization_code.public': unproven.authorization_code,
        'refresh_token.public': unproven.refresh_token,
        client_credentials: { ours: () => ourOrder, peer: () => peerOrder },
      };
      const arena: Arena = { load, backing: backingOf(backing) };
      const contests = parts.filter(wants).map((part) => {
        const name = `${part}: issuer`;
        return {
          part,
          apart: new Contestant(`${name}, PostgreSQL beside the load`, ours, arena, 'load', orders[part].ours),
          together: part.endsWith('.public')
            ? []
            : [new Contestant(`${name}, PostgreSQL on its core`, ours, arena, 'server', orders[part].ours)],
          peer: new Contestant(`${part}: oidc-provider, memory`, peer, arena, 'load', orders[part].peer),
        };
      });
      const floor = { name: 'floor', round: () => mintFloor(client) };
      const bareNode = new Contestant('bare node:http, no records', bare, arena, 'load', () => bareOrder);
      const all = [...contests.flatMap(({ apart, together, peer }) => [apart, ...together, peer]), bareNode, floor];
      const figures = await interleave<string>(all, {
        rounds,
        warmup: 2,
        onRound: (round) => {
          progress(`round ${String(round)}`);
        },
      });
      const show = (one: Contestant): number => {
        const { perSecond, p99, cpu, backingCpu, loadCpu, after } = one.figures(rounds);
        measured(one.name, perSecond, 'tokens/s');
        measured('  p99', p99, 'ms');
        measured('  CPU of the server', cpu, 'µs per token');
        measured('  CPU of PostgreSQL and NATS', backingCpu, 'µs per token');
        measured('  CPU of the load', loadCpu, 'µs per token');
        measured('  work after the last answer', after, 'ms');
        return perSecond;
      };
      const ratios = contests.flatMap(({ part, apart, together, peer: other }): readonly Metric[] => {
        const [own, shared, theirs] = [show(apart), together.map(show), show(other)];
        const metric = part === 'client_credentials' ? 'mint.ratio_oidc_provider' : `mint.${part}.ratio_oidc_provider`;
        const goal = goals[part];
        return [
          { metric, value: own / theirs, better: 'higher', ...(goal === undefined ? {} : { goal }) },
          ...shared.map((value): Metric => ({
            metric: `${metric}.database_on_same_core`,
            value: value / theirs,
            better: 'higher',
          })),
        ];
      });
      show(bareNode);
      const least = figures['floor'] ?? Number.NaN;
      measured('ES256 verify + sign, CPU', least, 'µs');
      const own = contests.find(({ part }) => part === 'client_credentials')?.apart.figures(rounds).cpu;
      if (own === undefined) return ratios;
      const { cpu } = bareNode.figures(rounds);
      return [
        ...ratios,
        { metric: 'mint.ratio_bare', value: own / cpu, goal: 1.15, better: 'lower' },
        { metric: 'mint.ratio_floor', value: own / least, goal: 2, better: 'lower' },
      ];
    } finally {
      ended.abort();
      await confirming;
      await codes?.close();
      for (const child of children) child.kill('SIGTERM');
      await Promise.all(children.map((child) => (child.exitCode === null ? once(child, 'exit') : undefined)));
      await backing.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
export default benchmark;
