import { type JsonObject } from './json-object.js';
import { text } from './jws/claims.js';
import { TokenReader } from './jws/token-reader.js';
import { type Principal } from './principal.js';
import { TokenError } from './token-error.js';
import { type DpopPresentation } from './verifier-options.js';
import { type TokenVerifier } from './verifier.js';

const reader = new TokenReader();

/**
 * Verifiers of several issuers as one. A token's `iss` only selects the verifier: that one checks the signature with its own keys, and `iss` again.
 * Each caches its own tokens, so that a repeated token stays with the issuer that it was verified for.
 */
export class SeveralIssuers<Caller extends Principal> implements TokenVerifier<Caller> {
  readonly #byIssuer: ReadonlyMap<string, TokenVerifier<Caller>>;
  readonly #all: readonly TokenVerifier<Caller>[];
  readonly issuers: readonly string[];

  /** @throws {RangeError} for an issuer that is named twice, which would be ambiguous */
  constructor(all: readonly TokenVerifier<Caller>[]) {
    const entries = all.flatMap((verifier) => verifier.issuers.map((issuer) => [issuer, verifier] as const));
    this.#byIssuer = new Map(entries);
    this.#all = all;
    this.issuers = [...this.#byIssuer.keys()];
    const twice = entries.map(([issuer]) => issuer).find((issuer, at, list) => list.indexOf(issuer) !== at);
    if (twice !== undefined)
      throw new RangeError(`the issuer ${twice} is listed twice: list it once; audience may be a list`);
  }

  get keysLoaded(): boolean {
    return this.#all.every(({ keysLoaded }) => keysLoaded);
  }

  get lastKeyError(): string {
    const failed = this.#all.filter(({ lastKeyError }) => lastKeyError !== '');
    return failed.map(({ issuers, lastKeyError }) => `${issuers.join(' ')}: ${lastKeyError}`).join('; ');
  }

  get keysFileError(): string | undefined {
    const kept = this.#all.flatMap(({ keysFileError }) => keysFileError ?? []);
    return kept.length === 0 ? undefined : kept.filter((reason) => reason !== '').join('; ');
  }

  verify(token: string): Caller {
    return this.cached(token) ?? this.#of(token).verify(token);
  }

  verifySubjectToken(token: string): Caller {
    return this.#of(token).verifySubjectToken(token);
  }

  async verifyWithRefresh(token: string): Promise<Caller> {
    return this.cached(token) ?? (await this.#of(token).verifyWithRefresh(token));
  }

  async verifyWithProof(token: string, presentation: DpopPresentation): Promise<Caller> {
    return this.#of(token).verifyWithProof(token, presentation);
  }

  async verifyWithCertificate(token: string, certificate: Uint8Array | undefined): Promise<Caller> {
    return this.#of(token).verifyWithCertificate(token, certificate);
  }

  async verifyStatement(token: string, type: string): Promise<JsonObject> {
    return this.#of(token).verifyStatement(token, type);
  }

  cached(token: string): Caller | undefined {
    for (const verifier of this.#all) {
      const known = verifier.cached(token);
      if (known !== undefined) return known;
    }
    return undefined;
  }

  cachedAuthorization(header: string): Caller | undefined {
    for (const verifier of this.#all) {
      const known = verifier.cachedAuthorization(header);
      if (known !== undefined) return known;
    }
    return undefined;
  }

  async loadKeys(): Promise<boolean> {
    const loaded = await Promise.all(this.#all.map((verifier) => verifier.loadKeys()));
    return loaded.every((one) => one);
  }

  close(): void {
    for (const verifier of this.#all) verifier.close();
  }

  /** @throws {TokenError} `ISSUER_MISMATCH`, or what is wrong with the token's form */
  #of(token: string): TokenVerifier<Caller> {
    reader.read(token);
    const { iss } = reader.claims();
    const verifier = this.#byIssuer.get(text(iss, 'iss'));
    if (verifier !== undefined) return verifier;
    throw new TokenError('ISSUER_MISMATCH', 'iss', { expected: this.issuers.join(' '), actual: iss });
  }
}
