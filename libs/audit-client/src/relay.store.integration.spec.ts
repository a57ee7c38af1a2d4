import { startDatabases } from '@countersign/backing-services';
import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import fc from 'fast-check';
import pg from 'pg';
import { z } from 'zod';
import { packEvents, type EventBatch } from './event-batch.js';
import { KeptEventsStore, type KeptEvents } from './kept-events.store.js';
import { outboxMigrations } from './outbox-migrations.js';
import { type Place } from './receipts.js';
import { RelayStore } from './relay.store.js';

const eventSchema = z.object({ id: z.string(), transaction: z.number(), place: z.number() });
type Event = z.infer<typeof eventSchema>;
const numberedSchema = eventSchema.extend({ sequence: z.string() });

/** Stands for audit: an event is in the log once, by its number. */
class Log {
  readonly byNumber = new Map<string, Event>();

  take({ payload }: EventBatch): void {
    for (const { sequence, ...event } of z.array(numberedSchema).parse(JSON.parse(payload.toString()))) {
      const known = this.byNumber.get(sequence);
      if (known !== undefined) expect(event).toEqual(known);
      this.byNumber.set(sequence, event);
    }
  }

  get through(): bigint {
    let through = 0n;
    while (this.byNumber.has(String(through + 1n))) through += 1n;
    return through;
  }

  /** Places of what the log has, in parts of so many events; every part in `lost` gets lost. */
  places(size: number, lost: (part: number) => boolean): readonly Place[] {
    const numbers = [...this.byNumber.keys()].map(BigInt).sort((one, other) => Number(one - other));
    const parts: { first: bigint; last: bigint }[] = [];
    for (const number of numbers) {
      const part = parts.at(-1);
      if (part?.last === number - 1n && number - part.first < BigInt(size)) part.last = number;
      else parts.push({ first: number, last: number });
    }
    return parts
      .filter((_, part) => !lost(part))
      .map(({ first, last }) => ({ first: String(first), last: String(last), index: String(first + 1_000n) }));
  }
}

const written = fc.record({
  kind: fc.constant('write' as const),
  /** Events of each row of one transaction: `null` for a row of a single event. */
  rows: fc.oneof(
    fc.array(fc.constant(null), { minLength: 1, maxLength: 5 }),
    fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 3 }),
  ),
});
const relayed = fc.record({
  kind: fc.constant('relay' as const),
  again: fc.boolean(),
  events: fc.integer({ min: 1, max: 9 }),
  refused: fc.array(fc.boolean(), { maxLength: 4 }),
  crash: fc.constantFrom('before publishing', 'before noting', 'before marking', 'never', 'never'),
});
const placed = fc.record({
  kind: fc.constant('place' as const),
  size: fc.integer({ min: 1, max: 15 }),
  lost: fc.array(fc.boolean(), { maxLength: 6 }),
});
const others = fc.constantFrom({ kind: 'mark' as const }, { kind: 'release' as const }, { kind: 'crash' as const });
const steps = fc.array(fc.oneof(written, relayed, relayed, placed, others), { minLength: 5, maxLength: 30 });

describe("the relay's store", () => {
  const databases = startDatabases();
  let client: pg.Client;
  beforeAll(async () => {
    client = new pg.Client({ connectionString: await databases.database('relay_store') });
    await client.connect();
    await migrate(drizzle({ client }), { migrationsFolder: outboxMigrations });
  }, 120_000);
  afterAll(async () => {
    await client.end();
    await databases.stop();
  }, 60_000);

  const newStore = (): RelayStore => new RelayStore(client, 'payments', 1);

  async function write(transaction: number, rows: readonly (number | null)[]): Promise<readonly Event[]> {
    const events: Event[] = [];
    const next = (): string => {
      const event = { id: crypto.randomUUID(), transaction, place: events.length };
      events.push(event);
      return JSON.stringify(event);
    };
    await client.query('begin');
    for (const count of rows) {
      if (count === null) {
        const event = next();
        await client.query('insert into audit_outbox (id, event) values ($1, $2)', [events.at(-1)?.id, event]);
      } else {
        const lines = Array.from({ length: count }, next).join('\n');
        await client.query('insert into audit_outbox_group (events, count) values ($1, $2)', [lines, count]);
      }
    }
    await client.query('commit');
    return events;
  }

  it('gives each event one number, without a gap and in the order of its transaction, and keeps it once, whatever is split, refused, lost or ended', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (plan) => {
        await client.query('truncate audit_outbox, audit_outbox_group, audit_sequence, audit_kept restart identity');
        const log = new Log();
        const recorded: Event[] = [];
        let store = newStore();
        for (const [at, step] of plan.entries()) {
          if (step.kind === 'write') recorded.push(...(await write(at, step.rows)));
          else if (step.kind === 'mark') await store.mark();
          else if (step.kind === 'release') await store.release(log.through, 0);
          else if (step.kind === 'crash') store = newStore();
          else if (step.kind === 'place') await store.place(log.places(step.size, (part) => step.lost[part] === true));
          else {
            const due = step.again ? await store.due(0, log.through) : [];
            const batches = packEvents([...due, ...(await store.number())], { events: step.events });
            const isRefused = (_: EventBatch, place: number): boolean => step.refused[place] === true;
            const accepted = batches.filter((batch, place) => !isRefused(batch, place));
            if (step.crash !== 'before publishing') for (const batch of accepted) log.take(batch);
            if (step.crash === 'before marking' || step.crash === 'never')
              store.published(accepted, batches.filter(isRefused));
            if (step.crash !== 'never') store = newStore();
          }
        }
        for (let round = 0; (await store.count()) > 0; round += 1) {
          expect(round).toBeLessThan(10);
          const batches = packEvents([...(await store.due(0, log.through)), ...(await store.number())]);
          for (const batch of batches) log.take(batch);
          store.published(batches);
          await store.place(log.places(1_000, () => false));
        }
        const numbers = [...log.byNumber.keys()].map(Number).sort((one, other) => one - other);
        expect(numbers).toEqual(recorded.map((_, place) => place + 1));
        const logged = numbers.map((number) => log.byNumber.get(String(number)));
        expect(new Set(logged.map((event) => event?.id))).toEqual(new Set(recorded.map(({ id }) => id)));
        for (const transaction of new Set(recorded.map((event) => event.transaction))) {
          const own = logged.filter((event) => event?.transaction === transaction);
          expect(own.map((event) => event?.place)).toEqual(own.map((_, place) => place));
        }
        const { rows } = await client.query<{ n: string }>(
          'select coalesce(sum(last_sequence - first_sequence + 1), 0) as n from audit_kept',
        );
        expect(Number(rows[0]?.n)).toBe(recorded.length);
        const kept = new KeptEventsStore(client, 1);
        for (let after: KeptEvents | undefined; ;) {
          const page: readonly KeptEvents[] = await kept.from(0n, after);
          for (const { firstIndex, events } of page) {
            expect(firstIndex).toBe((events[0]?.sequence ?? 0n) + 1_000n);
            for (const { sequence, json } of events)
              expect(numberedSchema.parse(JSON.parse(json.toString()))).toEqual({
                ...log.byNumber.get(String(sequence)),
                sequence: String(sequence),
              });
          }
          const last = page.at(-1);
          if (last === undefined) break;
          after = last;
        }
      }),
      { numRuns: 60 },
    );
  }, 120_000);

  it('reports work to number while an event or a group has no number, and any work while one exists', async () => {
    await client.query('truncate audit_outbox, audit_outbox_group, audit_sequence restart identity');
    const store = newStore();
    expect(await store.waiting()).toEqual({ unnumbered: false, any: false });
    for (const rows of [[null], [3]]) {
      await write(0, rows);
      expect(await store.waiting()).toEqual({ unnumbered: true, any: true });
      await store.number();
      expect(await store.waiting()).toEqual({ unnumbered: false, any: true });
    }
  });

  it('counts a group as published once all its messages are', async () => {
    await client.query('truncate audit_outbox, audit_outbox_group, audit_sequence restart identity');
    await write(0, [4]);
    const store = newStore();
    const [accepted, refused] = packEvents(await store.number(), { events: 2 });
    store.published(accepted === undefined ? [] : [accepted], refused === undefined ? [] : [refused]);
    await store.mark();
    const due = await store.due(30_000, 0n);
    expect(due.map(({ sequence }) => sequence)).toEqual([1n, 2n, 3n, 4n]);
    store.published(packEvents(due, { events: 2 }));
    await store.mark();
    expect(await store.due(30_000, 0n)).toEqual([]);
  });

  it('reads kept events page by page in order, with positions of any number of digits', async () => {
    await client.query('truncate audit_kept restart identity');
    await client.query(
      `insert into audit_kept (first_sequence, last_sequence, first_index, events)
       select n, n, n - 1, '{"id":"event"}' from generate_series(1, 120) as n order by n`,
    );
    const kept = new KeptEventsStore(client, 1);
    const read: bigint[] = [];
    for (let after: KeptEvents | undefined; ;) {
      const page: readonly KeptEvents[] = await kept.from(3n, after);
      const last = page.at(-1);
      if (last === undefined) break;
      read.push(...page.map(({ firstIndex }) => firstIndex));
      after = last;
    }
    expect(read).toEqual(Array.from({ length: 117 }, (_, place) => BigInt(place + 3)));
  });
});
