import { z } from 'zod';

/** One signal by which a service shows that something is wrong. */
export interface Signal {
  /** A check or a note of readiness, a metric, or that the service does not answer at all. */
  readonly kind: 'check' | 'note' | 'metric' | 'silence';
  /** As an operator finds it: `database`, `audit_relay.connected`, `audit_outbox_oldest_seconds`. */
  readonly name: string;
}

/** The signals of a service, and the counters whose rise is one. */
export interface Observation {
  readonly signals: readonly Signal[];
  readonly counters: ReadonlyMap<string, number>;
}

export const SILENCE: Observation = { signals: [{ kind: 'silence', name: 'no answer' }], counters: new Map() };

const readinessSchema = z.looseObject({
  checks: z.record(z.string(), z.string()).default({}),
  notes: z.record(z.string(), z.record(z.string(), z.unknown()).catch({})).default({}),
});

/** The members of a note that indicate a problem. */
const badNotes: Readonly<Record<string, (value: unknown) => boolean>> = {
  connected: (value) => value === false,
  state: (value) => value !== 'current',
  alert: (value) => value === true,
  restored: (value) => value === true,
  refusing: (value) => value === true,
  consuming: (value) => value === false,
  stream_fill: (value) => typeof value === 'number' && value > 0.5,
  lastError: (value) => typeof value === 'string',
  last_error: (value) => typeof value === 'string',
};

type Values = ReadonlyMap<string, readonly number[]>;

const any = (values: Values, metric: string, holds: (value: number) => boolean): boolean =>
  values.get(metric)?.some(holds) === true;

/** The metrics that docs/operations.md asks an operator to watch, and when each is a signal. */
const badMetrics: Readonly<Record<string, (values: Values) => boolean>> = {
  audit_source_gap: (values) => any(values, 'audit_source_gap', (value) => value > 0),
  audit_intake_waiting: (values) => any(values, 'audit_intake_waiting', (value) => value > 1_000),
  audit_log_waiting: (values) => any(values, 'audit_log_waiting', (value) => value > 1_000),
  'audit_stream_bytes / audit_stream_limit_bytes': (values) => {
    const [bytes = 0] = values.get('audit_stream_bytes') ?? [];
    const [limit = Infinity] = values.get('audit_stream_limit_bytes') ?? [];
    return !(bytes / limit <= 0.5);
  },
  audit_outbox_oldest_seconds: (values) => any(values, 'audit_outbox_oldest_seconds', (value) => value >= 2),
  audit_relay_connected: (values) => any(values, 'audit_relay_connected', (value) => value === 0),
  revocation_feed_current: (values) => any(values, 'revocation_feed_current', (value) => value === 0),
  revocations_unpushed: (values) => any(values, 'revocations_unpushed', (value) => value > 0),
  payments_reconciliation_differences: (values) =>
    any(values, 'payments_reconciliation_differences', (value) => value > 0),
};

const SAMPLE = /^([a-z_]+)(?:\{([^}]*)\})? (NaN|[\d.e+-]+)$/gm;
const STATUS = /(?:^|,)status="(\d)\d\d"/;

/** Counters by the name under which their rise is reported; answers are counted by the class of their status. */
function counterOf(metric: string, labels: string): string | undefined {
  if (metric === 'audit_dead_letters_total' || metric === 'revocation_feed_unreadable_total') return metric;
  if (metric !== 'http_request_duration_seconds_count') return undefined;
  if (labels.includes('status="401"')) return 'http_request_duration_seconds_count{status="401"}';
  if (labels.includes('status="429"')) return 'http_request_duration_seconds_count{status="429"}';
  return STATUS.exec(labels)?.[1] === '5' && !labels.includes('route="/health/ready"')
    ? 'http_request_duration_seconds_count{status="5.."}'
    : undefined;
}

/** Reads the signals of a service. @param readiness the body of `/health/ready`; @param metrics of `/metrics` */
export function signalsIn(readiness: unknown, metrics: string): Observation {
  const { checks, notes } = readinessSchema.parse(readiness);
  const values = new Map<string, number[]>();
  const counters = new Map<string, number>();
  for (const [, metric = '', labels = '', text] of metrics.matchAll(SAMPLE)) {
    const value = Number(text);
    values.set(metric, [...(values.get(metric) ?? []), value]);
    const counter = counterOf(metric, labels);
    if (counter !== undefined) counters.set(counter, (counters.get(counter) ?? 0) + value);
  }
  return {
    signals: [
      ...Object.entries(checks).flatMap(([name, says]) => (says === 'ok' ? [] : [{ kind: 'check' as const, name }])),
      ...Object.entries(notes).flatMap(([note, members]) =>
        Object.entries(members).flatMap(([member, value]) =>
          badNotes[member]?.(value) === true ? [{ kind: 'note' as const, name: `${note}.${member}` }] : [],
        ),
      ),
      ...Object.entries(badMetrics).flatMap(([name, isBad]) =>
        isBad(values) ? [{ kind: 'metric' as const, name }] : [],
      ),
    ],
    counters,
  };
}

/** What is new: signals that were absent at first, counters that have risen. */
export function newSince(before: Observation, now: Observation): readonly Signal[] {
  const known = new Set(before.signals.map(({ kind, name }) => `${kind} ${name}`));
  return [
    ...now.signals.filter(({ kind, name }) => !known.has(`${kind} ${name}`)),
    ...[...now.counters].flatMap(([name, value]) =>
      value > (before.counters.get(name) ?? 0) ? [{ kind: 'metric' as const, name }] : [],
    ),
  ];
}
