import { type Principal } from '../api/events.js';

/** How an actor ended: from then on it can do nothing. */
export interface Departure {
  readonly resource: string;
  readonly how: 'disabled' | 'revoked';
  /** RFC 3339. */
  readonly at: string;
}

/** The answer about one of an actor's names. */
interface Answered {
  readonly data: Departure | null | undefined;
  readonly error: unknown;
}

/** @returns how an actor ended; `unknown` if one of its names could not be looked up, and none of the others ended; undefined if none did */
export function endOf(answers: readonly Answered[]): Departure | 'unknown' | undefined {
  const [departure] = answers.flatMap(({ data }) => data ?? []);
  return departure ?? (answers.some(({ data, error }) => data === undefined && error !== null) ? 'unknown' : undefined);
}

const LIMIT = 512;

/** Every actor of an event, as the issuer's events name them: the key, the subject, the client, the delegates. */
export function namesOf({ subject, client_id: client, actors, api_key: key }: Principal): readonly string[] {
  const names = [
    ...(key === undefined ? [] : [`api-key/${key.id}`]),
    `person/${subject}`,
    ...[subject, client, ...actors].map((name) => `client/${name}`),
  ];
  // A name that no request can contain is unknown to the issuer.
  return [...new Set(names)].filter((name) => name.length <= LIMIT && !name.endsWith('/'));
}
