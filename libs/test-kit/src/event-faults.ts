import { auditEventSchema, type EventDeclaration, type UnnumberedEvent } from '@countersign/audit-event';

/** In the outbox an event has a number only once the relay has assigned it. */
const rowSchema = auditEventSchema.partial({ sequence: true });

/** The reference for an event's faults: a catalogue, as `defineEvents` of `@countersign/audit-event` returns it. */
export interface JudgingCatalogue {
  readonly source: string;
  readonly prefix: string;
  readonly kinds: Readonly<Record<string, string>>;
  readonly events: Readonly<Record<string, EventDeclaration>>;
}

const uuidPattern = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** Events that every service's guard records: the service's own catalogue does not declare them. */
const ofTheGuard = /\.requests?\.refused\.v1$/;

function nameOf(type: string, { prefix, source }: JudgingCatalogue): string {
  const start = `${prefix}.${source}.`;
  return type.startsWith(start) ? type.slice(start.length).replace(/\.v1$/, '') : '';
}

function declarationOf(type: string, catalogue: JudgingCatalogue): EventDeclaration | undefined {
  const { events } = catalogue;
  const name = nameOf(type, catalogue);
  return Object.hasOwn(events, name) ? events[name] : undefined;
}

/**
 * What is wrong with a recorded event, in words: what its catalogue does not declare (type, action, resource kind, members of `changes`,
 * whether it has a principal), and what no event may have: a `subject` other than its resource, a UUID in capitals, a request without a `txn`, a denial or failure without
 * a `reason`.
 * @returns empty if nothing is wrong
 */
export function eventFaults(event: UnnumberedEvent, catalogue: JudgingCatalogue): readonly string[] {
  const { type, subject, data } = event;
  const { action, resource, outcome, reason, request, txn, principal, changes = {} } = data;
  const declared = declarationOf(type, catalogue);
  const [kind = '', ...rest] = resource.split('/');
  const id = rest.join('/');
  const isOneOf = (one: string, declaration: string | readonly string[]): boolean => [declaration].flat().includes(one);
  const undeclared =
    declared === undefined
      ? [...(ofTheGuard.test(type) ? [] : ['its type is not in the catalogue'])]
      : [
          ...(isOneOf(action, declared.action) ? [] : [`the action ${action} is not declared`]),
          ...(isOneOf(kind, declared.resource) && Object.hasOwn(catalogue.kinds, kind)
            ? []
            : [`the kind ${kind} is not declared`]),
          ...Object.keys(changes)
            .filter((member) => !Object.hasOwn(declared.changes ?? {}, member))
            .map((member) => `changes.${member} is not declared`),
          ...(principal === null && (declared.principal ?? 'always') === 'always' ? ['it has no principal'] : []),
          ...(principal !== null && declared.principal === 'never' ? ['it has a principal'] : []),
        ];
  return [
    ...undeclared,
    ...(subject === resource ? [] : [`its subject is ${subject}, its resource ${resource}`]),
    ...(id === '' ? [`the resource ${resource} is not <kind>/<id>`] : []),
    ...(uuidPattern.test(id) && id !== id.toLowerCase() ? [`the id ${id} is not in canonical form`] : []),
    ...(request !== undefined && request.id !== 'several' && txn === null ? ['it has a request and no txn'] : []),
    ...(outcome !== 'allowed' && reason === undefined ? [`it is ${outcome} and has no reason`] : []),
  ].map((fault) => `${type}: ${fault}`);
}

/** Runs a statement: a client or a pool of `pg`. */
export interface OutboxDatabase {
  query(statement: string): Promise<{ readonly rows: readonly unknown[] }>;
}

async function outboxEvents(database: OutboxDatabase): Promise<readonly UnnumberedEvent[]> {
  const { rows } = await database.query('select event from audit_outbox_event order by position');
  return rows.map((row) =>
    rowSchema.parse(typeof row === 'object' && row !== null && 'event' in row ? row.event : undefined),
  );
}

/**
 * The kinds of events in a service's outbox, each once, with its outcome: `payment.settled allowed`. With {@link outboxFaults}, a test that lists them has
 * seen them recorded as they are declared.
 * @throws {Error} for a row that is not an event
 */
export async function outboxKinds(database: OutboxDatabase, catalogue: JudgingCatalogue): Promise<readonly string[]> {
  const events = await outboxEvents(database);
  return [...new Set(events.map(({ type, data }) => `${nameOf(type, catalogue)} ${data.outcome}`))];
}

/**
 * The `data` of a service's events of one type, oldest first.
 * @param name as in the catalogue: `payment.expired`
 * @throws {Error} for a row that is not an event
 */
export async function outboxData(
  database: OutboxDatabase,
  catalogue: JudgingCatalogue,
  name: string,
): Promise<readonly UnnumberedEvent['data'][]> {
  const events = await outboxEvents(database);
  return events.filter(({ type }) => nameOf(type, catalogue) === name).map(({ data }) => data);
}

/**
 * {@link eventFaults} of everything in a service's outbox, each once: for the end of a test that has called many routes.
 * @throws {Error} for a row that is not an event
 */
export async function outboxFaults(database: OutboxDatabase, catalogue: JudgingCatalogue): Promise<readonly string[]> {
  const events = await outboxEvents(database);
  return [...new Set(events.flatMap((event) => eventFaults(event, catalogue)))];
}
