import { type KeyObject } from 'node:crypto';
import { parseJsonObject, type JsonObject } from '../json-object.js';
import { type KnownAlgorithm } from '../keys/algorithm.js';
import { decodeBase64urlInto, refuseOtherAlphabet } from './base64url.js';
import { segmentsOf, TOKEN_SIZE_LIMIT, type ProtectedHeader } from './compact-jws.js';
import { type ClaimForms } from './fast/claim-forms.js';
import { readPlainClaims } from './fast/plain-claims.js';
import { Scratch } from './fast/scratch.js';
import { bytesVerify } from './signature.js';

/**
 * Parses one token at a time, in memory that is reused for the next: all results are about the token last read. Fresh memory for each token would
 * cost more than all checks together, because the signature's arithmetic leaves little else in the processor's cache.
 */
export class TokenReader {
  readonly #input = new Scratch(TOKEN_SIZE_LIMIT);
  readonly #payload = new Scratch(TOKEN_SIZE_LIMIT);
  readonly #signature = new Scratch(TOKEN_SIZE_LIMIT);
  /** The token last read; undefined while none could be. */
  #token: string | undefined;
  #inputLength = 0;
  #payloadLength = 0;
  #signatureLength = 0;

  /**
   * Parses a compact JWS strictly (RFC 7515, section 3.1).
   * @throws {TokenError} `TOKEN_TOO_LARGE`, `TOKEN_MALFORMED`
   */
  read(token: string): ProtectedHeader {
    this.#token = undefined;
    const { header, headerEnd, payloadEnd } = segmentsOf(token);
    refuseOtherAlphabet(token);
    this.#payloadLength = decodeBase64urlInto(this.#payload, token.slice(headerEnd + 1, payloadEnd));
    const signature = token.slice(payloadEnd + 1);
    this.#signatureLength = signature === '' ? 0 : decodeBase64urlInto(this.#signature, signature);
    this.#inputLength = this.#input.putLatin1(token, payloadEnd);
    this.#token = token;
    return header;
  }

  /** Whether this token was the last one read: then it need not be read again. */
  holds(token: string): boolean {
    return this.#token === token;
  }

  /** Whether the signature over header and payload verifies. */
  verifies(algorithm: KnownAlgorithm, key: KeyObject): boolean {
    const data = this.#input.first(this.#inputLength);
    return bytesVerify(algorithm, key, data, this.#signature.first(this.#signatureLength));
  }

  /** The claims; do not trust them before the signature has verified. @throws {TokenError} `TOKEN_MALFORMED` */
  claims(): JsonObject {
    const { bytes, length, text } = this.#plainPayload();
    return readPlainClaims(bytes, length, text) ?? this.#parsed();
  }

  /**
   * Like {@link claims}, for tokens of other issuers: they hold names that the quick reader does not know.
   * @param forms those of this issuer; undefined if the claims are passed on, so that they must belong only to this token
   */
  foreignClaims(forms: ClaimForms | undefined): JsonObject {
    if (forms === undefined) return this.#parsed();
    const { bytes, length, text } = this.#plainPayload();
    const known = forms.read(bytes, length, text);
    if (known !== undefined) return known;
    const claims = this.#parsed();
    forms.add(bytes, length, text, claims);
    return claims;
  }

  #plainPayload() {
    const { bytes } = this.#payload;
    const length = this.#payloadLength;
    bytes[length] = 0;
    return { bytes, length, text: this.#payload.latin1(length) };
  }

  #parsed(): JsonObject {
    return parseJsonObject(this.#payload.first(this.#payloadLength));
  }
}
