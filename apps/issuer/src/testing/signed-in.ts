import { CLOCK, DATABASE, type Database } from '@countersign/service-host';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Cookies } from '../cookies/cookies.service.js';
import { PeopleStore } from '../people/people.store.js';
import { type Session } from '../sessions/session.js';
import { Sessions, type SignInProof } from '../sessions/sessions.service.js';

/** Somebody with a session, for specs that are not about signing in. */
export interface SignedIn {
  readonly session: Session;
  /** The `Cookie` header. */
  readonly cookie: string;
  /** What browsers send with a form of the issuer's own page. */
  readonly formHeaders: Readonly<Record<string, string>>;
}

/**
 * Signs somebody in as a provider's answer would.
 * @param url the issuer's identifier
 * @param subject whom; the same subject is the same person again
 */
export async function signedIn(
  app: NestFastifyApplication,
  url: string,
  subject = 'ada',
  what: { readonly roles?: readonly string[]; readonly name?: string } & Partial<SignInProof> = {},
): Promise<SignedIn> {
  const now = app.get<() => Date>(CLOCK)();
  const issuer = 'https://provider.example';
  const { roles = [], name = 'Ada Lovelace', ...proof } = what;
  const browser = {
    secret: undefined,
    userAgent: 'Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0',
    address: '127.0.0.1',
  };
  const { session, secret } = await app.get<Database>(DATABASE).transaction(async (transaction) => {
    const provided = { issuer, subject, provider: 'example', name, email: `${subject}@example.com`, roles };
    const { row } = await app.get(PeopleStore).refresh(transaction, provided, now);
    const said = {
      issuer,
      providerSession: undefined,
      idToken: undefined,
      authenticatedAt: now,
      acr: undefined,
      amr: ['pwd'],
      ...proof,
    };
    return app.get(Sessions).begin(transaction, row, said, browser);
  });
  return {
    session,
    cookie: `${app.get(Cookies).nameOf('session')}=${secret}`,
    formHeaders: { origin: new URL(url).origin, 'sec-fetch-site': 'same-origin' },
  };
}
