/** A service's name in each of the forms that its code has. */
export interface ServiceNames {
  /** `my-orders` */
  readonly name: string;
  /** `myOrders` */
  readonly variable: string;
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

/** `my-orders` → `my-order`, `MyOrders`, …; a name without an s at its end is its own singular. */
export function namesOf(name: string): ServiceNames {
  const singular = name.endsWith('s') && !name.endsWith('ss') ? name.slice(0, -1) : name;
  return {
    name,
    variable: camel(name),
    Name: capital(camel(name)),
    singular,
    one: camel(singular),
    Singular: capital(camel(singular)),
    table: singular.replaceAll('-', '_'),
    CODE: singular.replaceAll('-', '_').toUpperCase(),
  };
}

const OURS: ReadonlySet<string> = new Set(['issuer', 'payments', 'accounts', 'audit', 'postgres', 'nats']);

/** Why a service cannot have this name. @returns undefined when it can */
export function nameProblem(name: string): string | undefined {
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name) || name.length > 31)
    return 'must be small letters and digits, in words separated by single hyphens, at most 31 characters: my-orders';
  return OURS.has(name) ? 'is the name of a part of Countersign' : undefined;
}
