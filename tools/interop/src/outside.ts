import { createVerifier, TokenRequestError, type SubjectTokenType } from '@countersign/auth-core';
import { type RunningIssuer, type Trusted } from './issuer.js';
import { KEYCLOAK_VERSION, startKeycloak, verifyKeycloak } from './keycloak.js';
import { CannotBeHad, failed, notRun, passed, type Outcome } from './outcome.js';
import { startSpring, verifySpring } from './spring.js';

/** Another maker's issuer, running. */
export interface Outside {
  readonly version: string;
  /** How our issuer accepts its people. */
  readonly trusted: Trusted;
  /** A person's token there, the roles that the person has here by the declared mapping, and a token that is never exchanged. */
  readonly person: {
    readonly token: string;
    readonly type: SubjectTokenType;
    readonly roles: readonly string[];
    readonly never: string;
  };
  /** A token that a client there got for itself. */
  readonly service: string;
  /** Our verifier on its tokens. @returns what was not as it must be */
  verify(): Promise<readonly string[]>;
  stop(): Promise<void>;
}

export interface OutsideProgram {
  readonly name: string;
  /** The tokens that {@link Outside.verify} checks. */
  readonly what: string;
  /** @throws {CannotBeHad} */
  start(cache: string): Promise<Outside>;
}

export const outsidePrograms: readonly OutsideProgram[] = [
  {
    name: 'Keycloak',
    what: 'its tokens in our verifier, by discovery; its ID, refresh and foreign tokens refused',
    async start(cache) {
      const keycloak = await startKeycloak(cache);
      const { issuer, user: token, service, refresh: never, stop } = keycloak;
      return {
        version: KEYCLOAK_VERSION,
        trusted: { name: 'acme', issuer, profile: 'keycloak', audience: 'orders' },
        person: { token, type: 'access_token', never, roles: ['clerk'] },
        service,
        verify: () => verifyKeycloak(keycloak),
        stop,
      };
    },
  },
  {
    name: 'Spring Authorization Server',
    what: 'its own form and that of RFC 9068 in our verifier, by discovery; ID tokens and those of other clients refused',
    async start(cache) {
      const spring = await startSpring(cache);
      const { version, issuer, id: token, service, other: never, stop } = spring;
      return {
        version,
        trusted: { name: 'spring', issuer, profile: 'spring', audience: 'shop' },
        // Spring's access tokens do not distinguish a person from a service.
        person: { token, type: 'id_token', never, roles: [] },
        service,
        verify: () => verifySpring(spring),
        stop,
      };
    },
  },
];

const requested = { audience: 'payments', scopes: ['payments:create'] };

/** Its people at our issuer. @returns the token that they get here */
export async function exchangePerson({ person, service, trusted }: Outside, { url, shop }: RunningIssuer) {
  const faults: string[] = [];
  const { token } = await shop.exchange({ ...requested, subjectToken: person.token, subjectTokenType: person.type });
  const payments = await createVerifier({ issuer: url, audience: 'payments' });
  const { subject, roles, kind } = payments.verify(token);
  const own = await shop.exchange({ ...requested, subjectToken: service });
  const itself = payments.verify(own.token).kind;
  if (itself !== 'service') faults.push(`a service of theirs became a ${itself}`);
  payments.close();
  if (!subject.startsWith(`${trusted.name}|`) || kind !== 'person' || roles.join() !== person.roles.join())
    faults.push(`exchanged: ${kind} ${subject} with ${roles.join()}`);
  await shop.exchange({ ...requested, subjectToken: person.never }).then(
    () => faults.push('a token that is not for us was exchanged'),
    (error: unknown) => {
      if (!(error instanceof TokenRequestError)) throw error;
    },
  );
  return { token, faults };
}

/** Starts it, and runs our verifier on its tokens. */
export async function tryOutside(
  { name, what, start }: OutsideProgram,
  cache: string,
): Promise<{ readonly outcome: Outcome; readonly outside?: Outside }> {
  const title = `${name} as issuer`;
  try {
    const outside = await start(cache);
    const faults = await outside.verify();
    const outcome =
      faults.length === 0 ? passed(title, outside.version, what) : failed(title, outside.version, faults.join('; '));
    return { outcome, outside };
  } catch (error) {
    if (!(error instanceof CannotBeHad)) throw error;
    return { outcome: notRun(title, '', error.message) };
  }
}
