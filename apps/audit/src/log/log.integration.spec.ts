import { generateKeyPairSync } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { CHECKPOINT_SUBJECT } from '@countersign/audit-client';
import { uuidv7 } from '@countersign/audit-event';
import { startBackingServices, type BackingServices } from '@countersign/backing-services';
import {
  decodeEntryBundle,
  leafHash,
  openCheckpoint,
  parseTlogProof,
  parseVerifierKey,
  rootOf,
  verifyConsistency,
  verifyInclusion,
  verifyTlogProof,
  type Checkpoint,
} from '@countersign/merkle-log';
import { loadConfiguration } from '@countersign/service-host';
import { createTestIssuer, type TestIssuer } from '@countersign/test-kit';
import { jetstream } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import pg from 'pg';
import { variables } from '../configuration.js';
import { auditVariables, startAudit } from '../testing/audit-service.js';
import { migrate } from '../testing/migrate.js';
import { ownEventFaults } from '../testing/own-events.js';
import { CheckpointThinningService } from './checkpoint-thinning.service.js';

interface Inclusion {
  readonly log_index: string;
  readonly tree_size: string;
  readonly leaf_hash: string;
  readonly root_hash: string;
  readonly hashes: readonly string[];
  readonly tlog_proof: string | null;
}
const bytes = (texts: readonly string[]): Buffer[] => texts.map((text) => Buffer.from(text, 'base64'));

describe('the log of the audit service', () => {
  let backing: BackingServices;
  let issuer: TestIssuer;
  let app: NestFastifyApplication;
  let environment: Record<string, string>;
  let first: string;
  let payments: NatsConnection;
  let database: pg.Client;
  const witnessed: string[] = [];
  const ids: string[] = [];

  const start = () => startAudit(environment);
  async function get(url: string, scopes?: readonly string[], method: 'GET' | 'POST' = 'GET') {
    const headers =
      scopes === undefined ? {} : { authorization: `Bearer ${await issuer.mint({ audience: 'audit', scopes })}` };
    return app.inject({ method, url, headers });
  }
  const keys = async () => (await get('/log/key')).body.trim().split('\n').map(parseVerifierKey);
  const checkpoint = async (): Promise<Checkpoint> => openCheckpoint((await get('/log/checkpoint')).body, await keys());
  async function publish(count: number): Promise<void> {
    for (let index = 0; index < count; index += 1) {
      const id = uuidv7();
      ids.push(id);
      const event = {
        specversion: '1.0',
        id,
        source: 'payments',
        type: 'countersign.payments.payment.read.v1',
        time: new Date().toISOString(),
        subject: `payment/${String(ids.length)}`,
        datacontenttype: 'application/json',
        sequence: String(ids.length),
        data: { principal: null, txn: null, action: 'payments:read', resource: 'payment/1', outcome: 'allowed' },
      };
      await jetstream(payments).publish('audit.payments.payment.read', JSON.stringify(event));
    }
  }
  async function until(size: number): Promise<Checkpoint> {
    for (let attempt = 0; attempt < 600; attempt += 1) {
      // In its first moment a log has no checkpoint yet.
      const { statusCode } = await get('/log/checkpoint');
      if (statusCode === 200) {
        const now = await checkpoint();
        if (now.size >= size) return now;
      }
      await delay(50);
    }
    throw new Error(`the log did not grow to ${String(size)}`);
  }

  beforeAll(async () => {
    backing = await startBackingServices();
    issuer = await createTestIssuer({ audience: 'audit', listen: true });
    const url = await backing.database('audit', migrate);
    first = JSON.stringify(generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }));
    environment = {
      ...auditVariables({ issuer: issuer.issuer, databaseUrl: url, backing }),
      LOG_KEY: first,
      LOG_INTERVAL_MS: '50',
    };
    payments = await connect({
      servers: backing.nats.url,
      user: 'payments',
      pass: backing.passwords.payments,
      inboxPrefix: '_INBOX_payments',
    });
    payments.subscribe(CHECKPOINT_SUBJECT, { callback: (_, message) => void witnessed.push(message.string()) });
    database = new pg.Client({ connectionString: url });
    await database.connect();
    app = await start();
    await until(0);
    for (let attempt = 0; attempt < 100; attempt += 1) {
      const report = (await get('/health/ready')).json<{ notes: { intake: { consuming: boolean } } }>();
      if (report.notes.intake.consuming) break;
      await delay(100);
    }
  }, 180_000);
  afterAll(async () => {
    await app.close();
    await payments.close();
    const faults = await ownEventFaults(database);
    await database.end();
    await issuer.close();
    await backing.stop();
    expect(faults).toEqual([]);
  }, 60_000);

  it('begins with a signed checkpoint over nothing', async () => {
    const answer = await get('/log/checkpoint');
    expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8');
    expect(await checkpoint()).toMatchObject({ origin: 'audit.test/log' });
  });

  it('appends each event, and a verifier rebuilds the root from entries and from tiles', async () => {
    await publish(300);
    const { size, root } = await until(300);
    const hashes: Buffer[] = [];
    const leaves: Buffer[] = [];
    for (let index = 0; index * 256 < size; index += 1) {
      const width = Math.min(256, size - index * 256);
      const path = `${String(index).padStart(3, '0')}${width === 256 ? '' : `.p/${String(width)}`}`;
      const tile = await get(`/log/tile/0/${path}`);
      expect(tile.headers['cache-control']).toContain('immutable');
      expect(tile.headers['content-type']).toBe('application/octet-stream');
      const bundle = await get(`/log/tile/entries/${path}`, ['audit:read']);
      expect(bundle.headers['cache-control']).toContain('private');
      leaves.push(...(decodeEntryBundle(bundle.rawPayload) ?? []).map(leafHash));
      hashes.push(tile.rawPayload);
    }
    expect(Buffer.concat(leaves)).toEqual(Buffer.concat(hashes));
    expect(rootOf(leaves)).toEqual(root);
    const above = await get('/log/tile/1/000.p/1');
    expect(above.rawPayload).toEqual(rootOf(leaves.slice(0, 256)));
  }, 60_000);

  it('proves that an event is in it, by a self-contained proof', async () => {
    const answer = await get(`/log/proof/inclusion?event=${ids[40] ?? ''}`, ['audit:read']);
    const proof = answer.json<Inclusion>();
    const [leaf, root] = bytes([proof.leaf_hash, proof.root_hash]);
    if (leaf === undefined || root === undefined) throw new Error('no hashes');
    const size = Number(proof.tree_size);
    expect(verifyInclusion(Number(proof.log_index), size, leaf, bytes(proof.hashes), root)).toBe(true);
    const alone = parseTlogProof(proof.tlog_proof ?? '');
    const [key] = await keys();
    if (alone === undefined || key === undefined) throw new Error('no proof, or no key');
    expect(verifyTlogProof(alone, leaf, key)).toMatchObject({ size });
    const older = (await get('/log/proof/inclusion?index=3&size=17', ['audit:read'])).json<Inclusion>();
    const [olderLeaf, olderRoot] = bytes([older.leaf_hash, older.root_hash]);
    if (olderLeaf === undefined || olderRoot === undefined) throw new Error('no hashes');
    expect(verifyInclusion(3, 17, olderLeaf, bytes(older.hashes), olderRoot)).toBe(true);
  });

  it('proves that it only grew, even across a restart of the service', async () => {
    const before = await checkpoint();
    await app.close();
    app = await start();
    await publish(40);
    const after = await until(before.size + 40);
    const answer = await get(`/log/proof/consistency?from=${String(before.size)}&to=${String(after.size)}`, [
      'audit:read',
    ]);
    const hashes = bytes(answer.json<{ hashes: string[] }>().hashes);
    expect(verifyConsistency(before.size, after.size, before.root, after.root, hashes)).toBe(true);
  }, 60_000);

  it('signs a checkpoint on demand, and sends each to witnesses', async () => {
    await publish(1);
    const answer = await get('/log/checkpoint', ['audit:read'], 'POST');
    expect(answer.statusCode).toBe(200);
    const latest = openCheckpoint(answer.body, await keys());
    for (let attempt = 0; attempt < 100 && !witnessed.includes(answer.body); attempt += 1) await delay(50);
    const sizes = await Promise.all(witnessed.map(async (note) => openCheckpoint(note, await keys()).size));
    expect(sizes).toContain(latest.size);
    expect(sizes).toEqual([...sizes].sort((one, other) => one - other));
  });

  it('also includes events stored before there was a log', async () => {
    await publish(3);
    await until(ids.length);
    // One statement: what audit records of these requests may take the next number at any time.
    await database.query(`with taken as (update log_sequence set next_index = next_index + 2 returning next_index - 3 as last)
      insert into event (log_index, id, source, sequence, type, time, resource, action, outcome, actors, event, received_at)
      select last + n, gen_random_uuid(), 'early', n, type, time, resource, action, outcome, actors,
        jsonb_build_object('n', n), now() from taken, event, generate_series(1, 2) as n where log_index = 0`);
    const { rows } = await database.query<{ next_index: string }>('select next_index from log_sequence');
    await until(Number(rows[0]?.next_index));
  });

  it('requires authentication where it shows events, and names what it does not have', async () => {
    const status = async (url: string, scopes?: readonly string[]): Promise<number> =>
      (await get(url, scopes)).statusCode;
    expect(await status('/log/tile/entries/000')).toBe(401);
    expect(await status('/log/tile/entries/000', ['other'])).toBe(403);
    expect(await status('/log/proof/inclusion?index=0')).toBe(401);
    expect(await status('/log/proof/inclusion?index=0', ['audit:read'])).toBe(200);
    expect(await status('/log/proof/inclusion', ['audit:read'])).toBe(400);
    expect(await status('/log/proof/inclusion?index=999999', ['audit:read'])).toBe(404);
    expect(await status(`/log/proof/inclusion?event=${uuidv7()}`, ['audit:read'])).toBe(404);
    expect(await status('/log/proof/consistency?from=999999', ['audit:read'])).toBe(404);
    expect(await status('/log/tile/0/999')).toBe(404);
    expect(await status('/log/tile/0/0')).toBe(404);
    expect(await status('/log/tile/entries/999', ['audit:read'])).toBe(404);
    expect(await status('/log/tile/entries/x', ['audit:read'])).toBe(404);
  });

  it('records who had what proven, signed or shown, including refusals', async () => {
    const size = openCheckpoint((await get('/log/checkpoint', ['audit:read'], 'POST')).body, await keys()).size;
    await get('/log/proof/inclusion?index=4&size=17', ['audit:read']);
    await get(`/log/proof/consistency?from=5&to=${String(size)}`, ['audit:read']);
    const { rows } = await database.query<{ said: string }>(
      `select concat_ws(' ', event->>'type', event#>>'{data,resource}', event#>>'{data,reason}') as said
       from (select event from audit_outbox_event union all select event from event where source = 'audit') as recorded (event)
       where event->>'subject' = event#>>'{data,resource}' and event#>>'{data,txn}' is not null`,
    );
    const type = (name: string): string => `countersign.audit.${name}.v1`;
    expect(rows.map(({ said }) => said)).toEqual(
      expect.arrayContaining([
        `${type('checkpoint.ordered')} checkpoint/${String(size)}`,
        `${type('inclusion.proven')} log-entry/4`,
        `${type('inclusion.proven')} event/${ids[40] ?? ''}`,
        `${type('inclusion.proven')} log-entry/999999 NOT_IN_THE_LOG`,
        `${type('consistency.proven')} checkpoint/${String(size)}`,
        `${type('entries.read')} entry-bundle/0-255`,
        `${type('entries.read')} entry-bundle/255744-255999 NOT_IN_THE_LOG`,
      ]),
    );
  });

  it('keeps the last old checkpoint of each hour, and those under which evidence was handed out', async () => {
    const { rows } = await database.query<{ size: string }>(
      `select size from generate_series(1, 250) as size where size not in (select tree_size from log_checkpoint) order by size limit 5`,
    );
    const sizes = rows.map(({ size }) => Number(size));
    await database.query(
      `insert into log_checkpoint (tree_size, note, signed_at)
       select size, 'note', date_trunc('hour', now()) - interval '3 days' + (n || ' minutes')::interval
       from unnest($1::bigint[]) with ordinality as old (size, n)`,
      [sizes],
    );
    await database.query('insert into log_checkpoint_kept (tree_size) values ($1)', [sizes[1]]);
    const before = await database.query<{ tree_size: string }>('select tree_size from log_checkpoint');
    expect(await app.get(CheckpointThinningService).thin()).toBe(3);
    const after = await database.query<{ tree_size: string }>('select tree_size from log_checkpoint');
    const left = new Set(after.rows.map((row) => Number(row.tree_size)));
    expect(
      before.rows
        .map((row) => Number(row.tree_size))
        .filter((size) => !left.has(size))
        .sort((a, b) => a - b),
    ).toEqual([sizes[0], sizes[2], sizes[3]]);
    const gone = await get(`/log/proof/inclusion?index=0&size=${String(sizes[0])}`, ['audit:read']);
    expect([gone.statusCode, gone.json<Inclusion>().tlog_proof]).toEqual([200, null]);
    expect((await get('/events/export?limit=1', ['audit:read'])).statusCode).toBe(200);
    const kept = await database.query(
      "select from log_checkpoint_kept join log_checkpoint using (tree_size) where signed_at > now() - interval '1 day'",
    );
    expect(kept.rowCount).toBe(1);
  });

  it('rotates its key: both sign for a while, either signature suffices, and what the old key signed stays verifiable', async () => {
    const jwk = () => JSON.stringify(generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }));
    const [old] = await keys();
    const change = async (variables: Readonly<Record<string, string>>): Promise<Checkpoint> => {
      await app.close();
      environment = { ...environment, ...variables };
      app = await start();
      await publish(1);
      return until(Number((await get('/log/checkpoint')).body.split('\n')[1]) + 1);
    };
    const next = jwk();
    const { size } = await checkpoint();
    await expect(change({ LOG_KEY: next })).rejects.toThrow(/LOG_KEY_PREVIOUS/);
    await expect(change({ LOG_KEY: next, LOG_KEY_PREVIOUS: next })).rejects.toThrow(/LOG_KEY_PREVIOUS/);
    expect(() => loadConfiguration(variables, { ...environment, LOG_KEY_PREVIOUS: '{}' })).toThrow(/LOG_KEY_PREVIOUS/);
    const previous = first;
    const { size: both } = await change({ LOG_KEY_PREVIOUS: previous });
    const [one, other] = await keys();
    const note = (await get('/log/checkpoint')).body;
    if (one === undefined || other === undefined || old === undefined) throw new Error('keys are missing');
    expect([one.id === old.id, other.id]).toEqual([false, old.id]);
    for (const alone of [one, other]) expect(openCheckpoint(note, alone).size).toBeGreaterThanOrEqual(both);
    const after = await change({ LOG_KEY_PREVIOUS: '' });
    expect(after.size).toBeGreaterThan(size);
    const last = (await get('/log/checkpoint')).body;
    expect(openCheckpoint(last, one).size).toBeGreaterThanOrEqual(after.size);
    expect(() => openCheckpoint(last, old)).toThrow(/no known key/);
    const listed = (await get('/log/keys')).json<{
      keys: { signs: boolean; first_size: string; last_size: string }[];
    }>();
    expect(listed.keys).toMatchObject([
      { signs: true, first_size: String(both), last_size: null },
      { signs: false, first_size: '0', last_size: expect.stringMatching(/^\d+$/) as unknown },
    ]);
    expect(Number(listed.keys[1]?.last_size)).toBeGreaterThanOrEqual(both);
  }, 60_000);
});
