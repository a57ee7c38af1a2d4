import { createHash, randomBytes } from 'node:crypto';
import { openDatabase } from '@countersign/backing-services';
import { uuidv7 } from '@countersign/audit-event';
import type pg from 'pg';
import { z } from 'zod';

export const REDIRECT = 'https://app.example/signed-in';
/** People who are signed in; codes are theirs in turn, as one person does not redeem thousands in a second. */
export const PEOPLE = 500;
/** The applications that they allowed: one with its own key, and a public one, as in browsers and on phones. */
export const APPLICATION = 'app';
export const PUBLIC_APPLICATION = 'public-app';

/** A code with its PKCE verifier and challenge (RFC 7636). */
export interface OwnCode {
  readonly code: string;
  readonly verifier: string;
  readonly challenge: string;
}

export const issuedSchema = z.object({
  issued: z.array(z.object({ code: z.string(), verifier: z.string(), challenge: z.string() })),
});

const digestOf = (text: string): string => createHash('sha256').update(text).digest('base64url');

export function newCodes(count: number): readonly OwnCode[] {
  return Array.from({ length: count }, () => {
    const [code, verifier] = [randomBytes(32).toString('base64url'), randomBytes(32).toString('base64url')];
    return { code, verifier, challenge: digestOf(verifier) };
  });
}

/** Codes in the issuer's database, as its authorization endpoint leaves them when a person has just consented. */
export class IssuerCodes {
  private constructor(
    private readonly database: pg.Client,
    private readonly people: readonly { readonly id: string; readonly session: string }[],
  ) {}

  /** Signs the people in. */
  static async open(databaseUrl: string): Promise<IssuerCodes> {
    const database = await openDatabase(databaseUrl);
    const people = Array.from({ length: PEOPLE }, () => ({ id: `person:${uuidv7()}`, session: uuidv7() }));
    await database.query(
      `insert into person (id, issuer, subject, provider, name, roles, created_at, signed_in_at)
       select id, 'https://provider.example', id, 'example', 'Ada', '{}', now(), now()
       from unnest($1::text[]) as p (id)`,
      [people.map(({ id }) => id)],
    );
    await database.query(
      `insert into session (id, secret_digest, person_id, issuer, authenticated_at, amr, device, network, created_at, seen_at)
       select id::uuid, digest, person_id, 'https://provider.example', now(), '{pwd}', 'bench', '127.0.0.1', now(), now()
       from unnest($1::text[], $2::text[], $3::text[]) as s (id, digest, person_id)`,
      [
        people.map(({ session }) => session),
        people.map(({ session }) => digestOf(session)),
        people.map(({ id }) => id),
      ],
    );
    return new IssuerCodes(database, people);
  }

  /** @param clientId whom the people allowed it */
  async issue(count: number, clientId: string): Promise<readonly OwnCode[]> {
    const codes = newCodes(count);
    const rows = codes.map(({ code, challenge }, at) => {
      const person = this.people[at % this.people.length];
      return {
        digest: digestOf(code),
        challenge,
        allowed: {
          ...{ id: uuidv7(), audience: 'payments', scopes: ['offline_access', 'payments:create'] },
          ...{ personId: person?.id, sessionId: person?.session },
          ...{ authTime: new Date().toISOString(), amr: ['pwd'], roles: [] },
        },
      };
    });
    await this.database.query(
      `insert into authorization_code (digest, client_id, redirect_uri, code_challenge, allowed, expires_at)
       select digest, $2, $3, challenge, allowed, now() + interval '10 minutes'
       from jsonb_to_recordset($1) as c (digest text, challenge text, allowed jsonb)`,
      [JSON.stringify(rows), clientId, REDIRECT],
    );
    return codes;
  }

  close(): Promise<void> {
    return this.database.end();
  }
}
