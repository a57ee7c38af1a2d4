import { randomUUID } from 'node:crypto';
import { uuidv7 } from '@countersign/audit-event';
import { payInRound, type Payer } from './load.js';
import { type PaymentServices } from './services.js';
import { type Step } from './statement-tap.js';

/** Seconds: long enough for one payment, and no second. */
const ONE_EACH = 0.001;

/** Everything that the services sent to their databases for one payment, in order. */
export interface RecordedPayment {
  /** The accounts that it was between. */
  readonly payer: Payer;
  /** When it was made. */
  readonly at: Date;
  readonly steps: readonly Step[];
}

const uuids = /[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/g;
const times = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)/g;
const idsIn = (value: string | null): readonly string[] => value?.match(uuids) ?? [];

/**
 * The statements about what a payer did. Services have background work of their own, which shares no id with it.
 * @param passed by all services, in order
 * @param known ids that are the payer's; others are found by the statements that they share with it
 */
export function statementsAbout(passed: readonly Step[], known: readonly string[]): readonly Step[] {
  const ids = new Set(known);
  const about = new Set<Step>();
  for (let size = -1; size < about.size;) {
    size = about.size;
    for (const statement of passed) {
      const named = statement.values.flatMap(idsIn);
      if (!named.some((id) => ids.has(id))) continue;
      about.add(statement);
      for (const id of named) ids.add(id);
    }
  }
  return passed.filter((statement, index) => about.has(statement) || isBoundOf(about, passed, index));
}

/** Whether it begins or ends a transaction that such a statement is in. */
function isBoundOf(about: ReadonlySet<Step>, passed: readonly Step[], index: number): boolean {
  const bound = passed[index];
  if (bound === undefined || !/^(?:begin|commit)\b/i.test(bound.text)) return false;
  const side = /^begin/i.test(bound.text) ? passed.slice(index + 1) : passed.slice(0, index).reverse();
  const next = side.find(({ connection, database }) => connection === bound.connection && database === bound.database);
  return next !== undefined && about.has(next);
}

/**
 * The recorded payment again, between other accounts: every other id is new, and every time is as far from `now` as it was from the recorded
 * payment. With times that have passed, services would take the payment for one that was left half done, and end it themselves.
 */
export function paymentAgain(
  { payer, at, steps }: RecordedPayment,
  { from, to }: Payer,
  now: Date = new Date(),
): readonly Step[] {
  const ids = new Map([
    [payer.from, from],
    [payer.to, to],
  ]);
  const other = (id: string): string => {
    const known = ids.get(id);
    if (known !== undefined) return known;
    const made = id[14] === '7' ? uuidv7() : randomUUID();
    ids.set(id, made);
    return made;
  };
  const since = now.getTime() - at.getTime();
  const later = (time: string): string => new Date(Date.parse(time) + since).toISOString();
  const again = (value: string): string => value.replace(uuids, other).replace(times, later);
  return steps.map((step) => ({
    ...step,
    values: step.values.map((value) => (value === null ? null : again(value))),
  }));
}

/** Lets the services make one payment, and records it. @param services started to be recorded */
export async function recordPayment(services: PaymentServices, payer: Payer, held: boolean): Promise<RecordedPayment> {
  services.takeStatements();
  const at = new Date();
  await payInRound(services, [payer], 1, ONE_EACH, held);
  return { payer, at, steps: statementsAbout(services.takeStatements(), [payer.from, payer.to]) };
}
