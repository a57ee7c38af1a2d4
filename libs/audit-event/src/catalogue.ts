import { prefixSchema, sourceSchema, type AuditEvent, type AuditPrincipal, type EventParts } from './audit-event.js';

type Data = AuditEvent['data'];

/** An event that a catalogue made. */
class CataloguedEvent implements EventParts {
  /** Only for the compiler: nothing else has this type, whatever its members. */
  declare private readonly catalogued: true;

  constructor(
    readonly type: string,
    readonly subject: string,
    readonly traceparent: string | undefined,
    readonly data: Data,
  ) {}
}
/** An event that may be recorded: only a catalogue ({@link defineEvents}) creates one. */
export type NewAuditEvent = CataloguedEvent;

/** One event that a service records: what `docs/events.md` says about it, and what the code may fill in. */
export interface EventDeclaration<Kind extends string = string, Action extends string = string> {
  /** When it is recorded: a sentence. */
  readonly when: string;
  /** The scope or the verb that was used; several if the same thing can be done with different rights. */
  readonly action: Action | readonly Action[];
  /** The kind of resource that it is about. */
  readonly resource: Kind | readonly Kind[];
  /** Members of `changes`, each with its meaning; none when omitted. */
  readonly changes?: Readonly<Record<string, string>>;
  /** Whether it names who did it, `always` by default: those who may read only their own events see no other. */
  readonly principal?: 'always' | 'sometimes' | 'never';
}

/** Everything that a service records. */
export interface CatalogueDeclaration<Kind extends string, Name extends string, Action extends string> {
  /** The service's name. */
  readonly source: string;
  /**
   * The prefix of the service's event types: your reversed domain name, such as `com.acme`. `countersign` by default, as for Countersign's own
   * services.
   */
  readonly prefix?: string;
  /** Kinds of resource, singular, each with what its id is. */
  readonly kinds: Readonly<Record<Kind, string>>;
  /** `<thing>.<done>`: the middle of the CloudEvents type `<prefix>.<source>.<thing>.<done>.v1`. */
  readonly events: Readonly<Record<Name, EventDeclaration<NoInfer<Kind>, Action>>>;
}

type Request = NonNullable<Data['request']>;

/** Who caused an event. */
interface Cause {
  /** Absent if no caller could be verified, or if the service acts by itself. */
  readonly principal: AuditPrincipal | null;
  readonly traceparent?: string | undefined;
}

/**
 * Who caused an event, and by which request. `txn` (RFC 8417) is one id for everything that a first request caused: it is there whenever a
 * request is.
 */
export type EventContext = Cause &
  (
    | { readonly txn: string; readonly request: Request }
    | { readonly txn: string | null; readonly request?: undefined }
    /** A count of requests that have nothing else in common. */
    | { readonly txn: null; readonly request: Request & { readonly id: 'several' } }
  );

/** What one event says besides who caused it. */
export interface EventDetails<Kind extends string, Action extends string = string> {
  /** Of the resource, in canonical form; {@link EVERY} for a list or for all of them. */
  readonly id: string;
  /** Required if the declaration names several kinds. */
  readonly kind?: Kind;
  /** Required if the declaration names several actions. */
  readonly action?: Action;
  /** `allowed` by default. */
  readonly outcome?: Data['outcome'] | undefined;
  /** A stable code that says why it was denied or failed. */
  readonly reason?: string | undefined;
  /** Never a secret, never a token. */
  readonly changes?: Readonly<Record<string, unknown>> | undefined;
}

/** The resource id that stands for all of a kind: a list, a search, an export. */
export const EVERY = '*';

const DEFAULT_PREFIX = 'countersign';
const typePattern = /^[a-z][a-z0-9-]*\.[a-z][a-z0-9_-]*$/;
const kindPattern = /^[a-z][a-z0-9-]*$/;

const listOf = <Item extends string>(one: Item | readonly Item[]): readonly Item[] =>
  typeof one === 'string' ? [one] : one;

/** The events of one service: the one place that defines their types, actions and resource kinds. */
export class EventCatalogue<Kind extends string, Name extends string, Action extends string> {
  readonly source: string;
  readonly prefix: string;
  readonly kinds: Readonly<Record<Kind, string>>;
  readonly events: Readonly<Record<Name, EventDeclaration<Kind, Action>>>;

  /** @throws {Error} when a name breaks the grammar: thrown when the module is loaded */
  constructor({ source, prefix = DEFAULT_PREFIX, kinds, events }: CatalogueDeclaration<Kind, Name, Action>) {
    for (const [name, schema, value] of [
      ['source', sourceSchema, source],
      ['prefix', prefixSchema, prefix],
    ] as const) {
      const problem = schema.safeParse(value).error?.issues[0]?.message;
      if (problem !== undefined) throw new Error(`${source}: the ${name} ${problem}`);
    }
    for (const name of Object.keys(events)) {
      if (!typePattern.test(name)) throw new Error(`${source}: the event ${name} must be named <thing>.<done>`);
    }
    for (const kind of Object.keys(kinds)) {
      if (!kindPattern.test(kind)) throw new Error(`${source}: the kind ${kind} must be a-z, 0-9 and -`);
    }
    this.source = source;
    this.prefix = prefix;
    this.kinds = kinds;
    this.events = events;
  }

  /** The CloudEvents type of an event. */
  typeOf(name: Name): string {
    return `${this.prefix}.${this.source}.${name}.v1`;
  }

  /**
   * Creates an event. Its `subject` is its resource.
   * @throws {Error} when the declaration does not name the action or the kind, or names several and none was chosen: a bug in the service
   */
  event(name: Name, context: EventContext, details: EventDetails<Kind, Action>): NewAuditEvent {
    const declared = this.events[name];
    const kind = chosen(listOf(declared.resource), details.kind, name, 'kind');
    const resource = `${kind}/${details.id}`;
    const { outcome = 'allowed', reason, changes } = details;
    return new CataloguedEvent(this.typeOf(name), resource, context.traceparent, {
      principal: context.principal,
      txn: context.txn,
      action: chosen(listOf(declared.action), details.action, name, 'action'),
      resource,
      outcome,
      ...(reason === undefined ? {} : { reason }),
      ...(context.request === undefined ? {} : { request: context.request }),
      ...(changes === undefined ? {} : { changes }),
    });
  }
}

function chosen<Item extends string>(
  declared: readonly Item[],
  choice: string | undefined,
  name: string,
  what: string,
): Item {
  const [only, ...others] = declared;
  const found = choice === undefined && others.length === 0 ? only : declared.find((one) => one === choice);
  if (found === undefined) {
    throw new Error(
      `${name} is declared with the ${what} ${declared.join(' or ')}, not ${choice ?? 'without a choice'}`,
    );
  }
  return found;
}

/** Declares a service's events. */
export function defineEvents<const Kind extends string, const Name extends string, const Action extends string>(
  declaration: CatalogueDeclaration<Kind, Name, Action>,
): EventCatalogue<Kind, Name, Action> {
  return new EventCatalogue(declaration);
}

/** Who may see an event, by whether it names who did it. */
const readers = {
  always: '`audit:read`; its principal',
  sometimes: '`audit:read`; its principal, if it has one',
  never: '`audit:read`',
} as const satisfies Record<NonNullable<EventDeclaration['principal']>, string>;

/** A catalogue as a section of `docs/events.md`. */
export function catalogueToMarkdown(catalogue: {
  readonly source: string;
  readonly kinds: Readonly<Record<string, string>>;
  readonly events: Readonly<Record<string, EventDeclaration>>;
}): string {
  const code = (text: string): string => `\`${text}\``;
  const codes = (one: string | readonly string[]): string => listOf(one).map(code).join(', ');
  const changesOf = ({ changes = {} }: EventDeclaration): string =>
    Object.entries(changes)
      .map(([member, meaning]) => `${code(member)}: ${meaning}`)
      .join('; ');
  const events = Object.entries(catalogue.events).map(([name, one]) => {
    const { when, action, resource, principal = 'always' } = one;
    return `| ${code(name)} | ${when} | ${codes(action)} | ${codes(resource)} | ${changesOf(one)} | ${readers[principal]} |`;
  });
  const kinds = Object.entries(catalogue.kinds).map(([kind, id]) => `| ${code(kind)} | ${id} |`);
  return [
    `## ${catalogue.source}`,
    '',
    '| event | recorded when | action | resource | `changes` | who may see it |',
    '| --- | --- | --- | --- | --- | --- |',
    ...events,
    '',
    '| kind of resource | its id |',
    '| --- | --- |',
    ...kinds,
    '',
  ].join('\n');
}
