import { createHash, randomUUID } from 'node:crypto';
import { type JetStreamClient } from '@nats-io/jetstream';
import { headers } from '@nats-io/transport-node';
import { EVENT_SIZE_LIMIT } from '@countersign/audit-event';
import {
  FIRST_INDEX_HEADER,
  KNOWN_INDEX_HEADER,
  recalledSubject,
  SALTS_HEADER,
  saltsOf,
  type Salts,
} from './receipts.js';

/** Maximum events in one message. */
export const BATCH_EVENT_LIMIT = 256;

/** Maximum bytes of one message's payload: 256 KiB, a quarter of what a NATS server accepts by default. */
export const BATCH_SIZE_LIMIT = 256 * 1024;

/** The media type of several events in one message (CloudEvents 1.0, JSON event format, section 4). */
export const BATCH_CONTENT_TYPE = 'application/cloudevents-batch+json';

/** A numbered event on its way into a batch. */
export interface NumberedEvent {
  readonly sequence: bigint;
  /** The whole event as JSON, its `sequence` in it; as bytes in UTF-8 where nobody needs the text. */
  readonly json: string | Buffer;
}

/** What one message carries: events of one source with consecutive numbers. */
export interface EventBatch {
  readonly first: bigint;
  readonly last: bigint;
  /** The events as a JSON array, in UTF-8. */
  readonly payload: Buffer;
}

/** The maximum of one message. */
export interface BatchLimits {
  /** Maximum events in one batch; {@link BATCH_EVENT_LIMIT} by default. */
  readonly events?: number;
  /** Maximum bytes of one payload; {@link BATCH_SIZE_LIMIT} by default. A larger event is sent in its own message. */
  readonly bytes?: number;
}

/** PostgreSQL writes JSON with spaces and numbers in full (1e300 as 301 digits), so a small event can have a long text. */
function compact(json: string | Buffer): Buffer {
  const bytes = Buffer.isBuffer(json) ? json : Buffer.from(json);
  return bytes.length > EVENT_SIZE_LIMIT ? Buffer.from(JSON.stringify(JSON.parse(bytes.toString()))) : bytes;
}

const [open, comma, end] = [Buffer.from('['), Buffer.from(','), Buffer.from(']')];

/**
 * Packs events into as few messages as the limits allow. A batch ends at a gap in the numbers, so that its range identifies its events.
 * @param events of one source, in ascending order of sequence
 */
export function packEvents(
  events: readonly NumberedEvent[],
  { events: eventLimit = BATCH_EVENT_LIMIT, bytes: sizeLimit = BATCH_SIZE_LIMIT }: BatchLimits = {},
): readonly EventBatch[] {
  const batches: EventBatch[] = [];
  let members: Buffer[] = [];
  let size = 0;
  let last = 0n;
  const close = (): void => {
    if (members.length === 0) return;
    const parts = members.flatMap((member, index) => [index === 0 ? open : comma, member]);
    // `size` counts each member with a separator: one of them is the opening bracket's.
    const payload = Buffer.concat([...parts, end], size + 1);
    batches.push({ first: last - BigInt(members.length - 1), last, payload });
    members = [];
    size = 0;
  };
  for (const { sequence, json } of events) {
    const member = compact(json);
    const added = member.length + 1;
    if (sequence !== last + 1n || members.length === eventLimit || size + added + 1 > sizeLimit) close();
    members.push(member);
    size += added;
    last = sequence;
  }
  close();
  return batches;
}

/** Milliseconds until a batch is published again, and how often: a stream that is just being created, as at a first start, exists half a second later. */
const ACKNOWLEDGEMENT = { timeout: 500, retries: 5 };

/** The subject of a source's batches: below the name that its NATS user may publish under. */
export function batchSubject(source: string): string {
  return `audit.${source}.batch`;
}

/**
 * Publishes a batch; resolves with the stream's acknowledgement. The message id is derived from the content: the same batch published again has the
 * same id, so the stream stores it once; other numbers or events give another id.
 * @param known of the highest place that the source received
 * @param asksPlace whether audit has these events and only their place is missing here: then the stream must accept the message even if it has seen
 * it, so that audit sends the place again
 * @throws what the stream or the connection said
 */
export async function publishBatch(
  stream: JetStreamClient,
  source: string,
  batch: EventBatch,
  known?: string,
  asksPlace = false,
): Promise<void> {
  const { payload } = batch;
  const header = headers();
  header.set('content-type', BATCH_CONTENT_TYPE);
  if (known !== undefined) header.set(KNOWN_INDEX_HEADER, known);
  const digest = createHash('sha256').update(payload).digest('base64url');
  await stream.publish(batchSubject(source), payload, {
    msgID: `${source}.${String(batch.first)}-${String(batch.last)}.${digest}${asksPlace ? `.${randomUUID()}` : ''}`,
    headers: header,
    ...ACKNOWLEDGEMENT,
  });
}

/**
 * Publishes again what audit has recalled. It has no message id, because the first copy used the one derived from its content.
 * @param salts by sequence and path; those of other events are left out
 * @param known proves to audit the place that they are part of
 */
export async function publishRecalled(
  stream: JetStreamClient,
  source: string,
  batch: EventBatch,
  { index, salts, known }: { readonly index: bigint; readonly salts: Salts; readonly known: string | undefined },
): Promise<void> {
  const header = headers();
  header.set('content-type', BATCH_CONTENT_TYPE);
  header.set(FIRST_INDEX_HEADER, index.toString());
  if (known !== undefined) header.set(KNOWN_INDEX_HEADER, known);
  header.set(SALTS_HEADER, JSON.stringify(saltsOf(batch, salts)));
  await stream.publish(recalledSubject(source), batch.payload, { headers: header });
}
