import { uuidv7 } from '@countersign/audit-event';
import { between, hexDigits, type Random } from '../random.js';

/** A customer, who acts through applications. */
export interface Customer {
  readonly subject: string;
  readonly account: string;
  readonly peer: string;
}

/** An API key of an application. */
export interface Key {
  readonly id: string;
  readonly name: string;
  readonly client: string;
  readonly peer: string;
}

/** Everybody who acts in a history; the same for the same seed. */
export interface Cast {
  readonly customers: readonly Customer[];
  /** People who run the place. */
  readonly operators: readonly string[];
  /** Leaves in the middle of the month. */
  readonly departing: string;
  readonly keys: readonly Key[];
  /** Is published by mistake. */
  readonly leakedKey: Key;
  readonly merchantAccount: string;
  /** Names that are hard to show. */
  readonly hardNames: readonly string[];
}

const CUSTOMERS = 60;
/** Milliseconds since 1970: long before any history, so that the ids of the cast do not hang on it. */
const FOUNDED = Date.UTC(2025, 0, 6);

const hardNames = [
  'متجر الزاوية',
  'חנות הפינה',
  '角の店',
  'Ünïcode & Söhne <b>GmbH</b>',
  '<img src=x onerror=alert(1)>',
  'invoice\u202egpj.exe',
  `long ${'word '.repeat(2_000)}`,
  'tab\tand\u200bnothing',
];

export function castOf(random: Random): Cast {
  const id = (): string => uuidv7(FOUNDED + between(random, 0, 300 * 86_400_000), hexDigits(random, 19));
  const person = (): string => `person:${id()}`;
  const address = (net: string): string => `${net}.${String(between(random, 2, 250))}`;
  const key = (client: string, name: string): Key => ({ id: id(), name, client, peer: address('203.0.113') });
  return {
    customers: Array.from({ length: CUSTOMERS }, () => ({
      subject: person(),
      account: id(),
      peer: address('198.51.100'),
    })),
    operators: [person(), person(), person()],
    departing: person(),
    keys: [key('bakery-till', 'till 1'), key('bakery-till', 'till 2'), key('books-export', 'nightly export')],
    leakedKey: key('books-export', 'spreadsheet'),
    merchantAccount: id(),
    hardNames,
  };
}
