import { z } from 'zod';
import { type Finding } from './finding.js';

/** The response of `GET /health/ready`, whether the service is ready or not. */
const readinessSchema = z.object({
  status: z.string(),
  checks: z.record(z.string(), z.string()),
  notes: z.record(z.string(), z.unknown()),
});
export type Readiness = z.infer<typeof readinessSchema>;

/** The report in a response's body; undefined if it is something else. */
export function readinessIn(body: string): Readiness | undefined {
  try {
    return readinessSchema.safeParse(JSON.parse(body)).data;
  } catch {
    return undefined;
  }
}

type Said = Omit<Finding, 'where'>;

/** Fraction of the stream's limit from which it counts as filling. */
const FILLING = 0.5;
const FULL = 0.95;
/** Seconds that an event may wait in the outbox: the relay resends after 30 seconds without a receipt. */
const OUTBOX_SECONDS = 120;

/** Reads one note; a note of unknown form is ignored. */
function rule<Schema extends z.ZodType>(
  name: string,
  schema: Schema,
  find: (note: z.infer<Schema>) => Said | undefined,
): (notes: Readiness['notes']) => Said | undefined {
  return (notes) => {
    const note = schema.safeParse(notes[name]);
    return note.success ? find(note.data) : undefined;
  };
}

const keptFor = z.object({ keepError: z.string() });
const notKept = ({ keepError }: z.infer<typeof keptFor>): Said => ({
  code: 'NOT_KEPT',
  what: `it cannot keep what its next start needs while the issuer or NATS is unavailable: ${keepError}`,
  to_do:
    'Check the folder of KEYS_FILE, REVOCATION_KEYS_FILE and REVOCATION_LIST_FILE: its owner, its rights, its disk.',
});

const rules = [
  rule('database_login', z.object({ may_change_schema: z.literal(true) }), () => ({
    code: 'LOGIN_MAY_OWN',
    what: 'its login owns its database or may become its owner: migrations and service share one URL',
    to_do: 'Give migrations their own MIGRATION_DATABASE_URL: docs/operations.md, "Databases and their roles".',
  })),
  rule('audit_relay', z.object({ connected: z.literal(false), lastError: z.string().nullable() }), ({ lastError }) => ({
    code: 'RELAY_WITHOUT_NATS',
    what: `its audit events are waiting: no connection to NATS${lastError === null ? '' : ` (${lastError})`}`,
    to_do: 'Check that NATS is running, and check NATS_URL and the password in NATS_PASSWORD_FILE.',
  })),
  rule(
    'audit_relay',
    z.object({ connected: z.literal(true), oldest_seconds: z.number(), pending: z.number() }),
    (note) =>
      note.oldest_seconds <= OUTBOX_SECONDS
        ? undefined
        : {
            code: 'OUTBOX_WAITS',
            what: `${String(note.pending)} audit events wait, the oldest for ${String(note.oldest_seconds)} s`,
            to_do: "Check audit's readiness: events leave the outbox once audit has committed them.",
          },
  ),
  rule(
    'revocation_feed',
    z.object({ state: z.enum(['loading', 'lost']), lastError: z.string().nullable() }),
    (note) => ({
      code: 'REVOCATION_FEED_NOT_CURRENT',
      what: `its list of revocations is ${note.state}${note.lastError === null ? '' : `: ${note.lastError}`}`,
      to_do: 'Check NATS and the issuer; the note revocation_feed in /health/ready says since when.',
    }),
  ),
  rule('revocation_feed', z.object({ unreadable: z.number().positive() }), ({ unreadable }) => ({
    code: 'REVOCATIONS_UNREADABLE',
    what: `${String(unreadable)} entries of the revocation bucket were not signed by the issuer`,
    to_do: 'Update the issuer before the services; otherwise find out who writes to the bucket.',
  })),
  rule('issuer_keys', keptFor, notKept),
  rule('revocation_feed', keptFor, notKept),
  rule('revocation_bucket', z.object({ connected: z.literal(false), lastError: z.string().nullable() }), (note) => ({
    code: 'REVOCATION_BUCKET_AWAY',
    what: `the issuer cannot reach the revocation bucket${note.lastError === null ? '' : `: ${note.lastError}`}`,
    to_do: "Check NATS and the issuer's password there; until this is fixed, validators receive no revocations.",
  })),
  rule('restored_database', z.object({ restored: z.literal(true) }), () => ({
    code: 'DATABASE_RESTORED',
    what: "the issuer's database was restored from a backup, and nobody has acknowledged it",
    to_do: 'Check the clients that changed since the backup, then run: countersign revoke restored --acknowledge',
  })),
  rule('accounts_circuit', z.literal('open'), () => ({
    code: 'ACCOUNTS_UNREACHABLE',
    what: 'payments has stopped calling accounts after repeated failures',
    to_do: 'Check ACCOUNTS_URL and whether accounts is ready.',
  })),
  rule('intake', z.object({ stream_fill: z.number() }), ({ stream_fill: fill }) =>
    fill < FILLING
      ? undefined
      : {
          code: fill < FULL ? 'STREAM_FILLING' : 'STREAM_FULL',
          what: `the audit stream is filled to ${String(Math.round(fill * 100))} %`,
          to_do: 'Find out why audit is slow or down; a larger STREAM_MAX_MIB gives it more time.',
        },
  ),
  rule('intake', z.object({ consuming: z.literal(false), last_error: z.string().nullable() }), (note) => ({
    code: 'INTAKE_RESTS',
    what: `audit consumes no events from the stream${note.last_error === null ? '' : `: ${note.last_error}`}`,
    to_do: "Check NATS and audit's password there.",
  })),
  rule(
    'completeness',
    z.object({ alert: z.literal(true), gaps: z.array(z.object({ source: z.string() })) }),
    ({ gaps }) => ({
      code: 'TRAIL_GAP',
      what: `events are missing from the trail, from ${gaps.map(({ source }) => source).join(', ')}`,
      to_do:
        'Check the relay of that source (its readiness note audit_relay); for events that are lost permanently: countersign audit accept-gap',
    }),
  ),
];

/** Every background task notes its `last_error`. */
const failedTask = z.object({ last_error: z.string() });

/** What in one service's readiness needs action. */
export function findingsOf(where: string, { checks, notes }: Readiness): readonly Finding[] {
  const failed = Object.entries(checks)
    .filter(([, result]) => result !== 'ok')
    .map(([name, result]) => ({
      code: 'NOT_READY',
      what: `${name}: ${result}`,
      to_do: `${where} accepts no requests until this check passes; see its log.`,
    }));
  const noted = rules.map((find) => find(notes)).filter((said) => said !== undefined);
  const tasks = Object.entries(notes).flatMap(([name, note]) => {
    const task = failedTask.safeParse(note);
    return task.success && name !== 'intake'
      ? [{ code: 'TASK_FAILED', what: `${name}: ${task.data.last_error}`, to_do: `See the log of ${where}.` }]
      : [];
  });
  return [...failed, ...noted, ...tasks].map((said) => ({ where, ...said }));
}
