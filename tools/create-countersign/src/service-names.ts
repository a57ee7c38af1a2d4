/** A service's name in each form used by its code. */
export interface ServiceNames {
  /** `my-orders` */
  readonly name: string;
  /** `MyOrders` */
  readonly Name: string;
  /** `my-order`: the kind of resource and the name of its files. */
  readonly singular: string;
  /** `myOrder` */
  readonly one: string;
  /** `MyOrder` */
  readonly Singular: string;
  /** `my_order` */
  readonly table: string;
  /** `MY_ORDER` */
  readonly CODE: string;
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
const camel = (text: string): string => {
  const [first = '', ...rest] = text.split('-');
  return [first, ...rest.map(capital)].join('');
};

/** `my-orders` → `my-order`, `MyOrders`, …; a name without an s after a word at its end is its own singular. */
export function namesOf(name: string): ServiceNames {
  const singular = /[a-z0-9](?<!s)s$/.test(name) ? name.slice(0, -1) : name;
  return {
    name,
    Name: capital(camel(name)),
    singular,
    one: camel(singular),
    Singular: capital(camel(singular)),
    table: singular.replaceAll('-', '_'),
    CODE: singular.replaceAll('-', '_').toUpperCase(),
  };
}

const OURS: ReadonlySet<string> = new Set(['issuer', 'payments', 'accounts', 'audit', 'postgres', 'nats']);

/** What the code of a service imports, or is there in any code: its own types and classes cannot be called so. */
const TAKEN: ReadonlySet<string> = new Set([
  ...['AuditOutbox', 'Caller', 'Database', 'Problem', 'Transaction', 'Configuration', 'OpenApi', 'ZodBody', 'ZodParam'],
  ...['Controller', 'CurrentCaller', 'DynamicModule', 'Get', 'Inject', 'Injectable', 'Module', 'Post'],
  ...['OutgoingModule', 'ResourceServerModule', 'Date', 'Promise', 'ZodObject'],
]);

/** PostgreSQL's existing or reserved roles and databases. */
const OF_POSTGRES: ReadonlySet<string> = new Set(['public', 'none', 'template0', 'template1']);

/** Why a service cannot have this name. @returns undefined if it can */
export function nameProblem(name: string): string | undefined {
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name) || name.length > 31)
    return 'must be lower-case letters and digits, in words separated by single hyphens, at most 31 characters: my-orders';
  if (OURS.has(name)) return 'is the name of a part of Countersign';
  if (OF_POSTGRES.has(name)) return 'is a name of PostgreSQL itself';
  const { Name, Singular } = namesOf(name);
  const classes = ['Module', 'Controller', 'Service', 'Store'].map((part) => Name + part);
  return [Singular, ...classes].some((one) => TAKEN.has(one))
    ? `is a word that its code needs for something else; put another one before it: card-${name}`
    : undefined;
}
