import { PermissionViolationError, RequestError, type Msg, type NatsConnection } from '@nats-io/nats-core';

/** The JetStream key-value bucket that carries revocations; its stream is `KV_revocations`. */
export const REVOCATION_BUCKET = 'revocations';
/** The prefix of each key of the bucket in the subject of its messages. */
export const BUCKET_PREFIX = `$KV.${REVOCATION_BUCKET}.`;
/** All changes of the bucket. */
export const BUCKET_CHANGES = `${BUCKET_PREFIX}>`;
/** The key of the statement of the whole list. */
export const DIGEST_KEY = 'digest';
/** The subject on which the issuer itself, or anyone in its NATS account, requests entries. */
export const DIRECT_GET = `$JS.API.DIRECT.GET.KV_${REVOCATION_BUCKET}`;
/** The subject on which every other account requests them, by an import. */
export const REVOCATIONS_GET = 'revocations.get';

/** Milliseconds that one response may take. */
const TIMEOUT_MS = 3_000;
/** Maximum concurrent requests. */
const LANES = 16;
/** Minimum sequence numbers for a separate lane. */
const LANE_LENGTH = 64;
const NOT_FOUND = 404;

/** An entry as stored in the bucket. */
export interface BucketEntry {
  readonly key: string;
  readonly value: string;
  /** The stream's number for it. */
  readonly sequence: number;
}

/** The key that a message of the bucket is about; undefined for a deletion. */
export function bucketKeyOfMessage({ subject, headers }: Pick<Msg, 'subject' | 'headers'>): string | undefined {
  const isDeletion = (headers?.get('KV-Operation') ?? '') !== '';
  return isDeletion || !subject.startsWith(BUCKET_PREFIX) ? undefined : subject.slice(BUCKET_PREFIX.length);
}

/** NATS's error, and what to do if this account lacks a permission. */
function causeOf(error: unknown, subject: string): string {
  const nobody = error instanceof RequestError && error.isNoResponders();
  if (!nobody && !(error instanceof PermissionViolationError)) return String(error);
  const what = nobody ? 'nobody answers' : 'it has no permission to ask';
  return `${what} on ${subject}; \`countersign nats rights SERVICE\` prints the rights and imports that the account needs`;
}

async function ask(connection: NatsConnection, subject: string, question: object): Promise<BucketEntry | undefined> {
  const answer = await connection
    .request(subject, JSON.stringify(question), { timeout: TIMEOUT_MS })
    .catch((error: unknown) => {
      throw new Error(`the revocation bucket does not answer: ${causeOf(error, subject)}`, { cause: error });
    });
  const { headers } = answer;
  if (headers?.code === NOT_FOUND) return undefined;
  const [stored, sequence] = [headers?.get('Nats-Subject') ?? '', Number(headers?.get('Nats-Sequence'))];
  if (stored === '' || !Number.isSafeInteger(sequence)) {
    throw new Error(
      `the revocation bucket does not answer: ${headers?.description ?? ''} ${answer.string().slice(0, 200)}`,
    );
  }
  const key = bucketKeyOfMessage({ subject: stored, ...(headers === undefined ? {} : { headers }) }) ?? '';
  return { key, value: answer.string(), sequence };
}

/** The statement of the whole list as the bucket holds it. @returns undefined if there is none */
export function readDigestEntry(connection: NatsConnection, get: string): Promise<BucketEntry | undefined> {
  return ask(connection, get, { last_by_subj: `${BUCKET_PREFIX}${DIGEST_KEY}` });
}

/**
 * Reads the bucket by plain requests: no consumer is created, so nobody can delete one, and all parts of the bucket are read
 * concurrently.
 * @param get the subject to ask, {@link REVOCATIONS_GET} or {@link DIRECT_GET}
 * @param from the first sequence number of the stream to read
 * @param take called with each entry, in no particular order
 * @returns the bucket's last number at the start; less than `from` if nothing is newer
 * @throws when the bucket does not exist or does not respond
 */
export async function readBucket(
  connection: NatsConnection,
  get: string,
  from: number,
  take: (entry: BucketEntry) => void | Promise<void>,
): Promise<number> {
  const last = (await ask(connection, get, { last_by_subj: BUCKET_CHANGES }))?.sequence ?? 0;
  if (last < from) return last;
  const lanes = Math.min(LANES, Math.ceil((last - from + 1) / LANE_LENGTH));
  const length = Math.ceil((last - from + 1) / lanes);
  const walk = async (lane: number): Promise<void> => {
    const end = Math.min(from + (lane + 1) * length, last + 1);
    for (let sequence = from + lane * length; sequence < end;) {
      const entry = await ask(connection, get, { seq: sequence, next_by_subj: BUCKET_CHANGES });
      if (entry === undefined || entry.sequence >= end) return;
      if (entry.key !== '') await take(entry);
      sequence = entry.sequence + 1;
    }
  };
  await Promise.all(Array.from({ length: lanes }, (_, lane) => walk(lane)));
  return last;
}
