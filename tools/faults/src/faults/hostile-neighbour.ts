import { setTimeout as delay } from 'node:timers/promises';
import { openDatabase } from '@countersign/backing-services';
import { auditStream, batchSubject } from '@countersign/audit-client';
import { countersign, type ServiceName, serviceNames } from '@countersign/stack';
import { jetstreamManager } from '@nats-io/jetstream';
import { z } from 'zod';
import { connectAs, type Neighbour } from '../nats-matrix/neighbour.js';
import { targetsFor } from '../nats-matrix/targets.js';
import { ways } from '../nats-matrix/ways.js';
import { type Fault, type Scene } from './fault.js';
import { ask } from './http.js';
import { between } from './random.js';

const ATTACK_MS = 8_000;
/** Milliseconds in which a revocation must be in force at a service; a busy machine needs some. */
const REVOCATION_LIMIT_MS = 10_000;

const attacker = 'payments';
/** Whose credentials they are may be made blind itself: what it asks for can be answered to its own feed. */
const validators = serviceNames.filter((name) => name !== 'issuer' && name !== attacker);

const noteSchema = z.looseObject({
  notes: z.looseObject({ revocation_feed: z.looseObject({ state: z.string() }) }),
});

/** An event of another service, which only its name in the subject betrays. */
function forgedEvent(source: ServiceName): string {
  return JSON.stringify([
    {
      specversion: '1.0',
      id: '01900000-0000-7000-8000-000000000000',
      source,
      type: `countersign.${source}.thing.forged.v1`,
      time: new Date().toISOString(),
      subject: 'thing/forged',
      datacontenttype: 'application/json',
      sequence: '1',
      data: { principal: null, txn: null, action: 'forged', resource: 'thing/forged', outcome: 'allowed' },
    },
  ]);
}

/** Every way against every subject of the others, over and over, and events in their names. */
async function attack(neighbour: Neighbour, signal: AbortSignal): Promise<number> {
  const subjects = targetsFor(neighbour.service).map(({ subject }) => subject);
  let rounds = 0;
  for (; !signal.aborted; rounds += 1) {
    for (const { hit } of ways) {
      await hit(neighbour, subjects);
      for (const source of serviceNames)
        if (source !== neighbour.service)
          neighbour.connection.publish(batchSubject(neighbour.service), forgedEvent(source));
      await delay(20);
    }
  }
  return rounds;
}

/** A service that receives no revocations is blind. */
async function findBlindness({ stack, wrong }: Scene, signal: AbortSignal): Promise<void> {
  const blind = new Set<ServiceName>();
  while (!signal.aborted) {
    for (const name of validators) {
      const report: unknown = await (await fetch(`${stack.urls[name]}/health/ready`)).json();
      const { state } = noteSchema.parse(report).notes.revocation_feed;
      if (state === 'current' || blind.has(name)) continue;
      blind.add(name);
      wrong(`the revocation feed of ${name} was ${state}`);
    }
    await delay(100);
  }
}

/** A token that is revoked in the meantime is refused, by every service that takes it. */
async function revokeOne({ stack, storefront, wrong }: Scene): Promise<void> {
  const fresh = storefront.withKey(stack.identities.clients.storefront);
  const { token } = await fresh.getToken({ audience: 'accounts', scopes: ['accounts:read'] });
  const url = `${stack.urls.accounts}/accounts/00000000-0000-7000-8000-000000000000`;
  if ((await ask('GET', url, token)).status === 401) wrong('a token was refused before it was revoked');
  const { code, said } = await countersign(stack, 'revoke', 'token', token, '--no-with-derived', '--reason', 'faults');
  if (code !== 0) wrong(`a token could not be revoked: ${said}`);
  for (const deadline = performance.now() + REVOCATION_LIMIT_MS; ; await delay(50)) {
    if ((await ask('GET', url, token)).status === 401) return;
    if (performance.now() < deadline) continue;
    wrong('a revoked token was taken');
    return;
  }
}

interface Belongings {
  /** When each stream was made: one that was deleted comes back with another time. */
  readonly made: string;
  /** Events and dead letters that pretend to be of another service. */
  readonly forged: number;
}

async function belongings({ stack }: Scene): Promise<Belongings> {
  const { nats, postgres, identities } = stack;
  const connectionAs = (service: ServiceName) =>
    connectAs({ url: nats.url, service, password: identities.natsPasswords[service] });
  const [audit, issuer] = await Promise.all([connectionAs('audit'), connectionAs('issuer')]);
  const login = `audit:${identities.databasePasswords.audit}`;
  const client = await openDatabase(`postgres://${login}@127.0.0.1:${String(postgres.port)}/audit`);
  try {
    const managers = await Promise.all([audit, issuer].map((one) => jetstreamManager(one, { checkAPI: false })));
    const streams = await Promise.all(
      [auditStream.name, 'KV_revocations'].map((name, index) => managers[index]?.streams.info(name)),
    );
    const { rows } = await client.query<{ forged: string }>(
      `select (select count(*) from event where type like '%.forged.v1')
            + (select count(*) from dead_letter where nats_subject not like $1) as forged`,
      [`audit.${attacker}.%`],
    );
    return { made: streams.map((info) => String(info?.created)).join(), forged: Number(rows[0]?.forged) };
  } finally {
    await Promise.all([audit.close(), issuer.close(), client.end()]);
  }
}

/** Somebody has payments' NATS credentials and uses them against all others: nothing is lost or forged, and no service goes blind. */
export const hostileNeighbour: Fault = {
  name: 'hostile-neighbour',
  unfelt: true,
  async strike(scene) {
    const { stack, random, wrong } = scene;
    const before = await belongings(scene);
    const password = stack.identities.natsPasswords[attacker];
    const connection = await connectAs({ url: stack.nats.url, service: attacker, password });
    const over = new AbortController();
    const attacking = attack({ service: attacker, connection }, over.signal);
    const looking = findBlindness(scene, over.signal);
    try {
      await Promise.all([revokeOne(scene), delay(ATTACK_MS + between(random, 0, 1_000))]);
    } finally {
      over.abort();
      await Promise.all([attacking, looking]);
      await connection.close();
    }
    if ((await attacking) === 0) wrong('the neighbour did not get through a single round of attacks');
    const after = await belongings(scene);
    if (after.made !== before.made) wrong('a stream was deleted and recreated');
    if (after.forged > before.forged) wrong(`${String(after.forged - before.forged)} events were forged`);
  },
};
