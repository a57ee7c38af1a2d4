import { type PrincipalKind } from '../principal.js';
import { TokenError } from '../token-error.js';

/** The prefix of a person's subject, in tokens of our own issuer. */
const PERSON = 'person:';

/** The kind of a token that does not state it: a person's id has the form `person:<id>` or `<provider>|<id>`; anything else is a service. */
export function kindOfSubject(subject: string): PrincipalKind {
  return subject.startsWith(PERSON) || subject.includes('|') ? 'person' : 'service';
}

/**
 * The kind of subject that a token states.
 * @param kind the claim
 * @throws {TokenError} `CLAIM_INVALID` for any kind but the three, and for a person's id under another kind
 */
export function kindOf(kind: unknown, subject: string): PrincipalKind {
  switch (kind) {
    case undefined:
      return kindOfSubject(subject);
    case 'person':
      return kind;
    case 'service':
    case 'application':
      if (!subject.startsWith(PERSON)) return kind;
  }
  throw new TokenError('CLAIM_INVALID', 'kind');
}
