import { startBackingServices, type BackingServices } from '@countersign/backing-services';
import { drizzle } from 'drizzle-orm/node-postgres';
import type pg from 'pg';
import { PostingsStore } from '../postings/postings.store.js';
import { openAuditDatabase, prepare } from '../testing/log-of-rows.js';
import { departuresOf } from './departure.js';
import { DeparturesStore } from './departures.store.js';

/** More than one walk through the search index proposes, without the newest, which are not indexed. */
const DECLARATIONS = 24_000;

describe('departures', () => {
  let backing: BackingServices;
  let pool: pg.Pool;
  beforeAll(async () => {
    backing = await startBackingServices();
    pool = await openAuditDatabase(backing);
  }, 120_000);
  afterAll(async () => {
    await Promise.allSettled([pool.end(), backing.stop()]);
  }, 60_000);

  it('are found behind any number of later events about the same client', async () => {
    await prepare(
      pool,
      `insert into event (log_index, id, source, sequence, type, time, resource, action, outcome, actors, event, received_at)
       select n, id, 'issuer', n + 1, type, now(), 'client/shop', 'clients:write', 'allowed', '{}', jsonb_build_object('id', id, 'source', 'issuer',
         'type', type, 'time', '2026-01-01T00:00:00.000Z', 'data', jsonb_build_object('resource', 'client/shop', 'outcome', 'allowed')), now()
       from generate_series(0, $1::bigint) as n, lateral (select gen_random_uuid() as id,
         'countersign.issuer.client.' || case n when 0 then 'disabled' else 'declared' end || '.v1' as type where n >= 0) as made`,
      [DECLARATIONS],
    );
    const postings = new PostingsStore(pool);
    while ((await postings.advance()) > 0);
    const found = await new DeparturesStore(drizzle({ client: pool }), postings).find(['client/shop']);
    expect(departuresOf(found).map(({ resource, how }) => [resource, how])).toEqual([['client/shop', 'disabled']]);
  }, 120_000);
});
