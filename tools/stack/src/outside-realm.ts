import { createServer, type Server } from 'node:http';
import { writeFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { generateSigningKey, publicJwkOf, signJwt, type PrivateJwk } from '@countersign/auth-core';

/** A company's Keycloak realm: metadata, keys, and the tokens of its people as Keycloak writes them. */
export class OutsideRealm {
  private constructor(
    private readonly server: Server,
    private readonly key: PrivateJwk,
    readonly issuer: string,
  ) {}

  static async start(): Promise<OutsideRealm> {
    const key = await generateSigningKey('RS256');
    let issuer = '';
    const server = createServer((request, response) => {
      const keys = { keys: [publicJwkOf(key)] };
      const document = request.url?.endsWith('/certs') === true ? keys : { issuer, jwks_uri: `${issuer}/certs` };
      response.setHeader('content-type', 'application/json').end(JSON.stringify(document));
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const address = server.address();
    issuer = `http://127.0.0.1:${String(typeof address === 'object' ? address?.port : 0)}/realms/acme`;
    return new OutsideRealm(server, key, issuer);
  }

  /** The issuer's TRUSTED_ISSUERS_FILE that accepts its people under the name `acme`. */
  writeTrust(file: string): void {
    const acme = { name: 'acme', issuer: this.issuer, profile: 'keycloak', accepts: ['access_token'] };
    writeFileSync(file, JSON.stringify({ issuers: [{ ...acme, roles: { operator: 'clerk' } }] }));
  }

  /** A person's access token for the portal's own service. */
  tokenOf(subject: string): string {
    const now = Math.floor(Date.now() / 1_000);
    const who = { iss: this.issuer, sub: subject, aud: ['portal-api', 'account'], azp: 'web', sid: randomUUID() };
    const rights = { typ: 'Bearer', scope: 'openid orders:pay', realm_access: { roles: ['operator'] } };
    const times = { jti: `onrtac:${randomUUID()}`, iat: now, exp: now + 300 };
    return signJwt({ typ: 'JWT', kid: String(this.key.kid) }, { ...who, ...rights, ...times }, this.key);
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}
