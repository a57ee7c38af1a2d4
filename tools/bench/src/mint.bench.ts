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
import { type LoadOrder } from './mint/load.js';
import { confirmEvents } from './mint/receipts.js';
import { APPLICATION, IssuerCodes, REDIRECT } from './mint/codes.js';
import { personRounds } from './mint/person-rounds.js';
import { pathOf, startPinned, untilReady } from './processes.js';
import { interleave } from './rounds.js';

const CONNECTIONS = 64;
const OUR_REQUESTS = 8_000;
const PEER_REQUESTS = 3_000;

const parts = ['authorization_code', 'refresh_token', 'client_credentials'] as const;

const benchmark: Benchmark = {
  description:
    'client_credentials, and authorization_code and refresh_token for a person, with private_key_jwt (ES256) over HTTP: the issuer, its records and the audit event on disk (fsync) before the answer, against oidc-provider in memory; each server on one core, the load on the other, PostgreSQL and NATS beside the load, and then on the core of the issuer. A bare node:http server with the two signatures shows how far Node goes.',
  parts,
  async run({ rounds, progress, measured, wants }) {
    const folder = mkdtempSync(join(tmpdir(), 'mint-'));
    const [client, signing] = await Promise.all([generateSigningKey(), generateSigningKey()]);
    const backing = await startOwnBackingServices({ durable: true });
    const [ourPort, peerPort, barePort] = [await freePort(), await freePort(), await freePort()];
    const policy = { audiences: { payments: ['payments:create'] } };
    const jwks = { keys: [publicJwkOf(client)] };
    const application = {
      ...{ client_id: APPLICATION, client_name: 'App', publisher: 'App Ltd', jwks, redirect_uris: [REDIRECT] },
      grant_types: ['authorization_code', 'refresh_token'],
      policy: { people: { issuer: ['offline_access'], payments: ['payments:create'] } },
    };
    const clients = [{ client_id: 'bench', jwks, policy }, application];
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
      const orders = {
        ...personRounds(load, { codes, peer, ourOrder, peerOrder }),
        client_credentials: { ours: () => ourOrder, peer: () => peerOrder },
      };
      const arena: Arena = { load, backing: backingOf(backing) };
      const contests = parts.filter(wants).map((part) => {
        const name = `${part}: issuer`;
        return {
          part,
          apart: new Contestant(`${name}, PostgreSQL beside the load`, ours, arena, 'load', orders[part].ours),
          together: new Contestant(`${name}, PostgreSQL on its core`, ours, arena, 'server', orders[part].ours),
          peer: new Contestant(`${part}: oidc-provider, memory`, peer, arena, 'load', orders[part].peer),
        };
      });
      const floor = { name: 'floor', round: () => mintFloor(client) };
      const bareNode = new Contestant('bare node:http, no records', bare, arena, 'load', () => bareOrder);
      const all = [...contests.flatMap(({ apart, together, peer }) => [apart, together, peer]), bareNode, floor];
      const figures = await interleave<string>(all, {
        rounds,
        warmup: 2,
        onRound: (round) => {
          progress(`round ${String(round)}`);
        },
      });
      const show = (one: Contestant): number => {
        const { perSecond, p99, cpu, backingCpu, loadCpu } = one.figures(rounds);
        measured(one.name, perSecond, 'tokens/s');
        measured('  p99', p99, 'ms');
        measured('  CPU of the server', cpu, 'µs per token');
        measured('  CPU of PostgreSQL and NATS', backingCpu, 'µs per token');
        measured('  CPU of the load', loadCpu, 'µs per token');
        return perSecond;
      };
      const ratios = contests.flatMap(({ part, apart, together, peer: other }): readonly Metric[] => {
        const [own, shared, theirs] = [show(apart), show(together), show(other)];
        const metric = part === 'client_credentials' ? 'mint.ratio_oidc_provider' : `mint.${part}.ratio_oidc_provider`;
        const goal = part === 'client_credentials' ? 4 : 2;
        return [
          { metric, value: own / theirs, goal, better: 'higher' },
          { metric: `${metric}.database_on_same_core`, value: shared / theirs, better: 'higher' },
        ];
      });
      show(bareNode);
      const least = figures['floor'] ?? Number.NaN;
      measured('ES256 verify + sign, CPU', least, 'µs');
      const own = contests.find(({ part }) => part === 'client_credentials')?.apart.figures(rounds).cpu;
      if (own === undefined) return ratios;
      return [...ratios, { metric: 'mint.ratio_floor', value: own / least, goal: 2, better: 'lower' }];
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
