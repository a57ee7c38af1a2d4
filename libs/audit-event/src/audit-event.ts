import { type Principal } from '@countersign/auth-core';
import { z } from 'zod';
import { EVENT_DEPTH_LIMIT, isTooDeep } from './json-depth.js';
import { isStorableJson } from './storable-json.js';
import { isTraceparent } from './trace-context.js';

/** Maximum bytes of one event as JSON: an entry of the log is length-prefixed by 16 bits. */
export const EVENT_SIZE_LIMIT = 32 * 1024;

const SHORT_LIMIT = 512;
const short = z.string().min(1).max(SHORT_LIMIT);

/** A service's name: the `source` of its events and a token in its NATS subjects. */
export const sourceSchema = z.string().regex(/^[a-z][a-z0-9-]{0,62}$/, 'a service name: a-z, 0-9, -');

/** The prefix of a service's event types: `countersign`, or a reversed domain name such as `com.acme`. */
export const prefixSchema = z
  .string()
  .max(128)
  .regex(
    /^[a-z][a-z0-9-]*(\.[a-z][a-z0-9-]*)*$/,
    'must be names of a-z, 0-9 and -, separated by dots, such as com.acme',
  );

/** `<prefix>.<service>.<thing>.<done>.v1`. */
export const eventTypePattern = /^[a-z][a-z0-9-]*(\.[a-z][a-z0-9_-]*){3,}\.v[0-9]+$/;

/** Maximum roles of a person that an event names. */
const ROLES_LIMIT = 64;

const personSchema = z.strictObject({
  roles: z.array(short).max(ROLES_LIMIT),
  /** How well they were authenticated when they signed in (OpenID Connect Core, section 2). */
  acr: short.optional(),
  /** When that was, in seconds since 1970. */
  auth_time: z.int().nonnegative().optional(),
});

/** What an event says about a person besides who they are: by which right they acted, and how they had authenticated. */
export function auditPerson({
  roles,
  acr,
  authTime,
}: Pick<Principal, 'roles' | 'acr' | 'authTime'>): z.infer<typeof personSchema> {
  return {
    roles: roles
      .filter((role) => role !== '')
      .slice(0, ROLES_LIMIT)
      .map((role) => role.slice(0, SHORT_LIMIT)),
    ...(acr === undefined || acr === '' ? {} : { acr: acr.slice(0, SHORT_LIMIT) }),
    ...(authTime === undefined ? {} : { auth_time: Math.max(0, Math.floor(authTime)) }),
  };
}

const principalSchema = z.strictObject({
  subject: short,
  client_id: short,
  /** The actors for the subject, newest first. */
  actors: z.array(short).max(8),
  scopes: z.array(short).max(64),
  jti: short,
  /** The API key that was used, never the key itself. */
  api_key: z.strictObject({ id: short, name: short }).optional(),
  /** Present if the subject is a person. */
  person: personSchema.optional(),
});
/** The verified caller of an event. */
export type AuditPrincipal = z.infer<typeof principalSchema>;

const dataSchema = z.strictObject({
  /** Absent if no caller could be verified. */
  principal: principalSchema.nullable(),
  /** One id for everything that a first request caused (RFC 8417). */
  txn: short.nullable(),
  action: short,
  resource: short,
  outcome: z.enum(['allowed', 'denied', 'failed']),
  /** A stable code that says why it was denied or failed. */
  reason: short.optional(),
  request: z.strictObject({ method: short, route: short, id: short, peer: short }).optional(),
  /** What changed; never a secret, never a token. */
  changes: z.record(z.string(), z.unknown()).optional(),
});

/** An audit event as it leaves its service: CloudEvents 1.0 in JSON, with the `sequence` and `traceparent` extensions. */
export const auditEventSchema = z.strictObject({
  specversion: z.literal('1.0'),
  id: z.uuid(),
  source: sourceSchema,
  type: short.regex(eventTypePattern, '<prefix>.<service>.<thing>.<done>.v1'),
  time: z.iso.datetime(),
  subject: short,
  datacontenttype: z.literal('application/json'),
  traceparent: z.string().refine(isTraceparent, 'a W3C traceparent of version 00').optional(),
  /** Gap-free per source, from 1; assigned by the relay. */
  sequence: z.string().regex(/^[1-9][0-9]{0,17}$/),
  data: dataSchema,
});
/** An event as the trail has it: CloudEvents 1.0 in JSON. */
export type AuditEvent = z.infer<typeof auditEventSchema>;

/** What a service provides; the outbox adds id, source and time, the relay the sequence. */
export type EventParts = Pick<AuditEvent, 'type' | 'subject' | 'traceparent' | 'data'>;

const unnumberedEventSchema = auditEventSchema.omit({ sequence: true });
/** An event in the outbox, before it is numbered. */
export type UnnumberedEvent = z.infer<typeof unnumberedEventSchema>;

/** Thrown when a service creates an event that the trail would reject: a bug in the service, found before its change commits. */
export class AuditEventError extends Error {
  constructor(
    readonly code: 'EVENT_INVALID' | 'EVENT_TOO_LARGE' | 'OUTBOX_FULL',
    message: string,
  ) {
    super(message);
    this.name = 'AuditEventError';
  }
}

function writtenOf(event: UnnumberedEvent): string {
  try {
    return JSON.stringify(event);
  } catch (error) {
    // A cycle, a bigint, or more levels than JavaScript can write.
    throw new AuditEventError('EVENT_INVALID', error instanceof Error ? error.message : String(error));
  }
}

/** An event with its envelope, unchecked. */
export function withEnvelope(
  { type, subject, traceparent, data }: EventParts,
  id: string,
  source: string,
  now: Date,
): UnnumberedEvent {
  return {
    specversion: '1.0',
    id,
    source,
    type,
    time: now.toISOString(),
    subject,
    datacontenttype: 'application/json',
    ...(traceparent === undefined ? {} : { traceparent }),
    data,
  };
}

/** Thrown for what PostgreSQL could not keep. */
export const notStorable = (): AuditEventError =>
  new AuditEventError('EVENT_INVALID', 'its text contains U+0000 or a lone surrogate');

/** Completes and checks an event. @throws {AuditEventError} `EVENT_INVALID`, `EVENT_TOO_LARGE` */
export function completeEvent(event: EventParts, id: string, source: string, now: Date): UnnumberedEvent {
  const parsed = unnumberedEventSchema.safeParse(withEnvelope(event, id, source, now));
  if (!parsed.success) throw new AuditEventError('EVENT_INVALID', z.prettifyError(parsed.error));
  const json = writtenOf(parsed.data);
  if (!isStorableJson(json)) throw notStorable();
  if (isTooDeep(json)) {
    throw new AuditEventError('EVENT_INVALID', `it is nested deeper than ${String(EVENT_DEPTH_LIMIT)} levels`);
  }
  const size = Buffer.byteLength(json);
  if (size > EVENT_SIZE_LIMIT - 64) {
    throw new AuditEventError(
      'EVENT_TOO_LARGE',
      `the event has ${String(size)} bytes; the limit is ${String(EVENT_SIZE_LIMIT)}`,
    );
  }
  return parsed.data;
}

/** The verified caller as an event names them. */
export function auditPrincipal(principal: Principal): AuditPrincipal {
  return {
    subject: principal.subject,
    client_id: principal.clientId,
    actors: principal.actors.map(({ subject }) => subject),
    scopes: [...principal.scopes],
    jti: principal.tokenId,
    ...(principal.kind === 'person' ? { person: auditPerson(principal) } : {}),
    ...(principal.apiKey === undefined ? {} : { api_key: { id: principal.apiKey.id, name: principal.apiKey.name } }),
  };
}
