import { type PrincipalKind } from '../principal.js';
import { TokenError } from '../token-error.js';

/** What a person's subject begins with, in tokens of our own issuer. */
const PERSON = 'person:';

/** A token that does not say whom it is about: a person's id, `person:<id>` or `<provider>|<id>`, tells; whatever else is a service. */
export function kindOfSubject(subject: string): PrincipalKind {
  return subject.startsWith(PERSON) || subject.includes('|') ? 'person' : 'service';
}

/**
 * Whom a token says it is about.
 * @param kind the claim
 * @throws {TokenError} `CLAIM_INVALID` for any other kind than the three, and for a person's id under another kind
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
