import { setTimeout as delay } from 'node:timers/promises';
import { packEvents, parseReceipt, publishBatch, receiptSubject, RELAY_PACE_MS } from '@countersign/audit-client';
import { type AuditEvent } from '@countersign/audit-event';
import { jetstream, type JetStreamClient } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { makeEvents } from './events.js';
import { insertRaw, rawBatches } from './raw-insert.js';
import { startAuditService, type AuditService } from './service.js';
import { type BenchmarkContext, type Metric } from '../benchmark.js';
import { interleave } from '../rounds.js';
import { percentile } from '../statistics.js';

const EVENTS = 20_000;
const LAG_SECONDS = 8;
const LIMIT_MS = 120_000;

/** Packed and published as a relay does it. */
async function publishAll(stream: JetStreamClient, events: readonly AuditEvent[]): Promise<void> {
  const numbered = events.map((event) => ({ sequence: BigInt(event.sequence), json: JSON.stringify(event) }));
  await Promise.all(packEvents(numbered).map((batch) => publishBatch(stream, 'payments', batch)));
}

/** Receives how far audit is; the receipt comes after its commit. */
class Receipts {
  through = 0;
  onReceipt: (through: number) => void = () => undefined;

  constructor(connection: NatsConnection) {
    connection.subscribe(receiptSubject('payments'), {
      callback: (_, message) => {
        this.through = Math.max(this.through, Number(parseReceipt(message.string())?.through ?? 0));
        this.onReceipt(this.through);
      },
    });
  }

  async reach(sequence: number): Promise<void> {
    const deadline = Date.now() + LIMIT_MS;
    while (this.through < sequence) {
      if (Date.now() > deadline) throw new Error(`audit did not commit ${String(sequence)} events in time`);
      await delay(1);
    }
  }
}

/** Milliseconds from an event to its receipt, under a steady load, a relay's pause included. @param rate events a second */
async function lagUnder(
  rate: number,
  from: number,
  stream: JetStreamClient,
  receipts: Receipts,
): Promise<readonly number[]> {
  const count = Math.max(100, Math.floor(rate * LAG_SECONDS));
  const events = makeEvents(from, count);
  const published = new Float64Array(count);
  const lags: number[] = [];
  let committed = 0;
  receipts.onReceipt = (through) => {
    const now = performance.now();
    for (; committed < count && from + committed <= through; committed += 1)
      lags.push(now - (published[committed] ?? now));
  };
  const startedAt = performance.now();
  const sent: Promise<unknown>[] = [];
  for (let next = 0; next < count;) {
    const due = Math.min(count, Math.floor(((performance.now() - startedAt) / 1_000) * rate) + 1);
    // What came since the last check leaves in one batch; each event has waited since its own time.
    for (let at = next; at < due; at += 1) published[at] = startedAt + (at / rate) * 1_000;
    sent.push(publishAll(stream, events.slice(next, due)));
    next = due;
    await delay(RELAY_PACE_MS);
  }
  await Promise.all(sent);
  await receipts.reach(from + count - 1);
  receipts.onReceipt = () => undefined;
  return lags;
}

async function measure(service: AuditService, context: BenchmarkContext): Promise<readonly Metric[]> {
  const raw = await service.sameTables('raw');
  const connection = await connect({
    servers: service.natsUrl,
    user: 'payments',
    pass: service.natsPassword,
    inboxPrefix: '_INBOX_payments',
  });
  const stream = jetstream(connection, { timeout: 20_000 });
  const receipts = new Receipts(connection);
  const next = { log: 1, raw: 1 };
  const rate = (startedAt: number): number => EVENTS / ((performance.now() - startedAt) / 1_000);
  try {
    const rates = await interleave(
      [
        {
          name: 'raw',
          async round() {
            const batches = rawBatches(makeEvents(next.raw, EVENTS));
            next.raw += EVENTS;
            const startedAt = performance.now();
            await insertRaw(raw, batches);
            return rate(startedAt);
          },
        },
        {
          name: 'log',
          async round() {
            const events = makeEvents(next.log, EVENTS);
            next.log += EVENTS;
            // The stream is filled while audit rests, so that only its own work is timed.
            process.kill(service.process.pid, 'SIGSTOP');
            await publishAll(stream, events);
            const startedAt = performance.now();
            process.kill(service.process.pid, 'SIGCONT');
            await receipts.reach(next.log - 1);
            return rate(startedAt);
          },
        },
      ],
      { rounds: context.rounds, onRound: (round) => context.progress(`ingest, round ${String(round)}`) },
    );
    context.measured('raw batched insert', rates.raw, 'events/s');
    context.measured('stream to log', rates.log, 'events/s');
    context.progress('lag under 70 % of that');
    const lags = await lagUnder(0.7 * rates.log, next.log, stream, receipts);
    return [
      { metric: 'audit.ingest.ratio_raw_insert', value: rates.log / rates.raw, goal: 0.7, better: 'higher' },
      { metric: 'audit.ingest.lag_p99_ms', value: percentile(lags, 0.99), better: 'lower' },
      { metric: 'audit.ingest.lag_p50_ms', value: percentile(lags, 0.5), better: 'lower' },
    ];
  } finally {
    await connection.close();
  }
}

/** How fast events go from the stream into the log, against inserting the same rows with nothing else to do; and how late they are under load. */
export async function measureIngest(context: BenchmarkContext): Promise<readonly Metric[]> {
  const service = await startAuditService();
  try {
    return await measure(service, context);
  } finally {
    // A stopped process does not receive SIGTERM.
    if (service.process.running()) process.kill(service.process.pid, 'SIGCONT');
    await service.stop();
  }
}
