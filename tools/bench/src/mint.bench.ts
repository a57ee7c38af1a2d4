import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateSigningKey } from '@countersign/auth-core';
import { startOwnBackingServices } from '@countersign/backing-services';
import { type Benchmark, type Metric } from './benchmark.js';
import { backingOf } from './mint/backing.js';
import { Contestant, type Arena } from './mint/contestant.js';
import { mintFloor } from './mint/floor.js';
import { type LoadOrder } from './mint/load-order.js';
import { confirmEvents } from './mint/receipts.js';
import { APPLICATION, IssuerCodes, PUBLIC_APPLICATION } from './mint/codes.js';
import { personRounds } from './mint/person-rounds.js';
import { startMintServers, type MintServer, type MintServers } from './mint/servers.js';
import { interleave } from './rounds.js';

/** Fewer leave the issuer idle for a tenth of the time, since it answers a third of them at once. */
const CONNECTIONS = 128;
const REQUESTS = 8_000;
/** Rounds that do not count. */
const WARMUP = 2;
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
    'client_credentials, and authorization_code and refresh_token for a person, with private_key_jwt (ES256), and for a public client with PKCE and DPoP, over HTTP: the issuer, its records and the audit event on disk (fsync) before the answer, against oidc-provider in memory, and for people against oidc-provider in the same PostgreSQL; each server on one core, the load on the other, PostgreSQL and NATS beside the load, and then on the core of the issuer. A bare node:http server with the two signatures shows how far Node goes.',
  parts,
  async run({ rounds, progress, measured, wants }) {
    const folder = mkdtempSync(join(tmpdir(), 'mint-'));
    const [client, signing] = await Promise.all([generateSigningKey(), generateSigningKey()]);
    const proofKeys = await Promise.all(Array.from({ length: INSTALLATIONS }, () => generateSigningKey()));
    const backing = await startOwnBackingServices({ durable: true });
    let servers: MintServers | undefined;
    const ended = new AbortController();
    let confirming: Promise<void> | undefined;
    let codes: IssuerCodes | undefined;
    try {
      servers = await startMintServers(backing, folder, { client, signing });
      const { issuer, peer, durablePeer, bare, load } = servers;
      const auditNats = { url: backing.nats.url, user: 'audit', password: backing.passwords.audit };
      confirming = confirmEvents(auditNats, ended.signal);
      const common = { key: client, connections: CONNECTIONS, requests: REQUESTS };
      const grant = { grant_type: 'client_credentials', scope: 'payments:create' };
      const ofIssuer = { path: '/oauth2/token', audience: issuer.url, form: { ...grant, audience: 'payments' } };
      const ourOrder: LoadOrder = { ...common, ...ofIssuer, port: issuer.port };
      const orderOf = ({ port }: MintServer): LoadOrder => ({
        ...{ ...common, port, path: '/token', audience: `http://127.0.0.1:${String(port)}` },
        form: { ...grant, resource: 'urn:payments' },
      });
      const peerOrder = orderOf(peer);
      codes = await IssuerCodes.open(issuer.databaseUrl);
      const confidential = personRounds(load, {
        ...{ codes, peer: peer.child },
        ourOrder: { ...ourOrder, clientId: APPLICATION },
        peerOrder: { ...peerOrder, clientId: 'bench' },
      });
      const durable = personRounds(load, {
        ...{ codes, peer: durablePeer.child },
        ourOrder: { ...ourOrder, clientId: APPLICATION },
        peerOrder: { ...orderOf(durablePeer), clientId: 'bench' },
      });
      const ofInstallation = { key: undefined, proofKeys, clientId: PUBLIC_APPLICATION };
      const unproven = personRounds(load, {
        ...{ codes, peer: peer.child },
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
          apart: new Contestant(`${name}, PostgreSQL beside the load`, issuer.child, arena, 'load', orders[part].ours),
          together: part.endsWith('.public')
            ? []
            : [new Contestant(`${name}, PostgreSQL on its core`, issuer.child, arena, 'server', orders[part].ours)],
          peer: new Contestant(`${part}: oidc-provider, memory`, peer.child, arena, 'load', orders[part].peer),
          durable:
            part === 'authorization_code' || part === 'refresh_token'
              ? [
                  new Contestant(
                    `${part}: oidc-provider, PostgreSQL`,
                    durablePeer.child,
                    arena,
                    'load',
                    durable[part].peer,
                  ),
                ]
              : [],
        };
      });
      const floor = { name: 'floor', round: () => mintFloor(client) };
      const bareNode = new Contestant('bare node:http, no records', bare.child, arena, 'load', () => ({
        ...ourOrder,
        port: bare.port,
      }));
      const ofContests = contests.flatMap((one) => [one.apart, ...one.together, one.peer, ...one.durable]);
      const all = [...ofContests, bareNode, floor];
      // The issuer serves two contestants of most grants, and its peer one: that one gets the difference before anything counts, so that both are as warm.
      for (const { together, peer: other } of contests)
        for (let round = 0; round < WARMUP * together.length; round += 1) await other.round();
      const figures = await interleave<string>(all, {
        rounds,
        warmup: WARMUP,
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
      const ratios = contests.flatMap(({ part, apart, together, peer: other, durable: others }): readonly Metric[] => {
        const [own, shared, theirs, kept] = [show(apart), together.map(show), show(other), others.map(show)];
        const metric = part === 'client_credentials' ? 'mint.ratio_oidc_provider' : `mint.${part}.ratio_oidc_provider`;
        const goal = goals[part];
        return [
          { metric, value: own / theirs, better: 'higher', ...(goal === undefined ? {} : { goal }) },
          ...shared.map((value): Metric => ({
            metric: `${metric}.database_on_same_core`,
            value: value / theirs,
            better: 'higher',
          })),
          ...kept.map((value): Metric => ({ metric: `${metric}_durable`, value: own / value, better: 'higher' })),
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
      await servers?.stop();
      await backing.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
export default benchmark;
