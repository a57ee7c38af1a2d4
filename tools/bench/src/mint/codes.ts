import { createHash, randomBytes } from 'node:crypto';
import { uuidv7 } from '@countersign/audit-event';
import pg from 'pg';
import { z } from 'zod';

export const REDIRECT = 'https://app.example/signed-in';
export const PERSON = 'person:01a21031-6897-71c1-8114-42669a3f0602';
/** The applications that the person allowed: one with a key of its own, and a public one, as in browsers and on phones. */
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
  readonly #session = uuidv7();

  private constructor(private readonly database: pg.Client) {}

  /** Signs the person in. */
  static async open(databaseUrl: string): Promise<IssuerCodes> {
    const database = new pg.Client({ connectionString: databaseUrl });
    await database.connect();
    const codes = new IssuerCodes(database);
    await database.query(
      `insert into person (id, issuer, subject, provider, name, roles, created_at, signed_in_at)
       values ($1, 'https://provider.example', 'ada', 'example', 'Ada', '{}', now(), now())`,
      [PERSON],
    );
    await database.query(
      `insert into session (id, secret_digest, person_id, issuer, authenticated_at, amr, device, network, created_at, seen_at)
       values ($1, $2, $3, 'https://provider.example', now(), '{pwd}', 'bench', '127.0.0.1', now(), now())`,
      [codes.#session, digestOf(codes.#session), PERSON],
    );
    return codes;
  }

  /** @param clientId whom the person allowed it */
  async issue(count: number, clientId: string): Promise<readonly OwnCode[]> {
    const codes = newCodes(count);
    const rows = codes.map(({ code, challenge }) => ({
      digest: digestOf(code),
      challenge,
      allowed: {
        ...{ id: uuidv7(), personId: PERSON, audience: 'payments', scopes: ['offline_access', 'payments:create'] },
        ...{ sessionId: this.#session, authTime: new Date().toISOString(), amr: ['pwd'], roles: [] },
      },
    }));
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
